// What the tests of the curriculum share: a small world of documents and labels with a truth, a tiny encoder, and a folder that goes away.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/random.h"
#include "lmtx/teacher/scripted_oracle.h"
#include "lmtx/teacher/verdict.h"

namespace lmtx::test {

namespace fs = std::filesystem;

// "d7" (GCC 12 warns of overlaps in `"d" + std::to_string(7)`, where there are none: its bug 105651).
inline std::string uid(const char* kind, int64_t number) { return std::string(kind).append(std::to_string(number)); }

class Folder {
 public:
  explicit Folder(const std::string& name) : path_(fs::temp_directory_path() / uid(("lmtx-" + name + "-").c_str(), ::getpid())) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// Topic 7 goes by one word in documents and by another in label names, so that there is something to learn.
inline std::string topic_word(char kind, int64_t topic) { return {kind, static_cast<char>('a' + topic / 10), static_cast<char>('a' + topic % 10)}; }
inline std::string document_word(int64_t topic) { return topic_word('d', topic); }
inline std::string label_word(int64_t topic) { return topic_word('l', topic); }

constexpr int64_t num_topics = 20;

inline LabelSet topic_labels() {
  std::vector<Label> labels;
  for (int64_t i = 0; i < num_topics; ++i) labels.push_back({.uid = uid("t", i), .name = label_word(i), .description = {}, .other_names = {}, .broader = {}});
  return LabelSet(std::move(labels));
}

// Document n is about topics n % 20 and (3 n + 1) % 20.
inline std::vector<Document> topic_documents(int64_t count) {
  std::vector<Document> documents;
  for (int64_t i = 0; i < count; ++i) {
    const std::string first = document_word(i % num_topics), second = document_word((3 * i + 1) % num_topics);
    // The last word tells documents apart.
    documents.push_back({.uid = uid("d", i), .title = first, .content = uid((second + " " + first + " x").c_str(), i)});
  }
  return documents;
}

// The truth, as a teacher would say it.
inline Verdict topic_truth(std::string_view document, std::string_view label) {
  const int64_t i = std::stoll(std::string(document.substr(1))), topic = std::stoll(std::string(label.substr(1)));
  return Verdict::score(topic == i % num_topics || topic == (3 * i + 1) % num_topics ? 0.9 : 0.1);
}

// --- a tiny encoder ---

class TinyWeights {
 public:
  void add(const std::string& name, std::vector<int64_t> shape, float around = 0, float spread = 0.3f) {
    detail::KeyedRandom random(detail::random_key(7, name));
    int64_t size = 1;
    for (int64_t n : shape) size *= n;
    const size_t begin = data_.size();
    for (int64_t i = 0; i < size; ++i) {
      const float value = around + spread * static_cast<float>(2 * random.uniform() - 1);
      data_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    header_[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data_.size()}}};
  }
  void add_linear(const std::string& name, int64_t out, int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out}, 0, 0.05f);
  }
  void add_norm(const std::string& name, int64_t dim) {
    add(name + ".weight", {dim}, 1, 0.05f);
    add(name + ".bias", {dim}, 0, 0.05f);
  }
  void save(const fs::path& file) const {
    std::string header = header_.dump();
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const uint64_t size = header.size();
    std::string bytes(reinterpret_cast<const char*>(&size), sizeof(size));
    detail::write_file_atomically(file, bytes + header + data_);
  }

 private:
  detail::Json header_ = detail::Json::object();
  std::string data_;
};

// A BERT of one layer with random weights that knows the words above. `dim` is a multiple of 4.
inline void make_tiny_model(const fs::path& folder, int64_t dim = 32) {
  const int64_t inner = dim / 2 * 3, positions = 24;
  fs::create_directories(folder / "1_Pooling");
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nx\n";
  int64_t vocabulary_size = 6;
  for (int64_t i = 0; i < 10; ++i, ++vocabulary_size) vocabulary += uid("##", i) + "\n";
  for (int64_t i = 0; i < num_topics; ++i, vocabulary_size += 2) vocabulary += document_word(i) + "\n" + label_word(i) + "\n";
  detail::write_file_atomically(folder / "vocab.txt", vocabulary);
  detail::write_file_atomically(folder / "tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 24})");
  detail::write_json(folder / "config.json", {{"model_type", "bert"},
                                              {"architectures", {"BertModel"}},
                                              {"hidden_size", dim},
                                              {"intermediate_size", inner},
                                              {"num_attention_heads", 4},
                                              {"num_hidden_layers", 1},
                                              {"max_position_embeddings", positions},
                                              {"type_vocab_size", 2},
                                              {"vocab_size", vocabulary_size},
                                              {"hidden_act", "gelu"},
                                              {"hidden_dropout_prob", 0.1},
                                              {"attention_probs_dropout_prob", 0.1},
                                              {"layer_norm_eps", 1e-12},
                                              {"pad_token_id", 0}});
  detail::write_file_atomically(folder / "modules.json",
                                R"([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
 {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  detail::write_json(folder / "1_Pooling" / "config.json", {{"word_embedding_dimension", dim}, {"pooling_mode_cls_token", false}, {"pooling_mode_mean_tokens", true}});
  detail::write_file_atomically(folder / "sentence_bert_config.json", R"({"max_seq_length": 24, "do_lower_case": false})");
  TinyWeights weights;
  weights.add("embeddings.word_embeddings.weight", {vocabulary_size, dim}, 0, 1);
  weights.add("embeddings.position_embeddings.weight", {positions, dim}, 0, 0.1f);
  weights.add("embeddings.token_type_embeddings.weight", {2, dim}, 0, 0.1f);
  weights.add_norm("embeddings.LayerNorm", dim);
  const std::string layer = "encoder.layer.0.";
  for (const char* name : {"query", "key", "value"}) weights.add_linear(layer + "attention.self." + name, dim, dim);
  weights.add_linear(layer + "attention.output.dense", dim, dim);
  weights.add_norm(layer + "attention.output.LayerNorm", dim);
  weights.add_linear(layer + "intermediate.dense", inner, dim);
  weights.add_linear(layer + "output.dense", dim, inner);
  weights.add_norm(layer + "output.LayerNorm", dim);
  weights.save(folder / "model.safetensors");
}

// Every file under `folder` with its bytes, by its path in there.
inline std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = detail::read_file(entry.path());
  }
  return files;
}

}  // namespace lmtx::test
