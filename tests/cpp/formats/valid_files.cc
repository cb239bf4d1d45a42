#include "valid_files.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <stop_token>

#include "data.h"
#include "lmtx/corpus/targets.h"
#include "lmtx/detail/base64.h"
#include "lmtx/detail/digest.h"
#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/encode_to_file.h"
#include "lmtx/encoder.h"
#include "lmtx/eval/calibration.h"
#include "lmtx/eval/combination.h"
#include "lmtx/search/label_index.h"
#include "lmtx/stopped.h"
#include "lmtx/tagger.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/recorded_oracle.h"
#include "lmtx/text/tokenizer.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/finished_run.h"
#include "lmtx/train/shortlister.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/twins.h"
#include "lmtx/train/work_folder.h"
#include "train/trainer_fixtures.h"

namespace lmtx::test {

using detail::Json;

namespace {

constexpr int64_t num_documents = 24, dim = 8;
const char* const identity = "golden/1";

// --- making them ---

// As gzip streams of at most `part` bytes, one after the other.
void write_gzip(const fs::path& file, std::string_view bytes, size_t part) {
  fs::remove(file);
  for (size_t begin = 0; begin < bytes.size(); begin += part) {
    const std::string_view piece = bytes.substr(begin, part);
    const gzFile out = gzopen(file.c_str(), "ab");
    gzwrite(out, piece.data(), static_cast<unsigned>(piece.size()));
    gzclose(out);
  }
}

void make_models(const fs::path& folder) {
  make_tiny_model(folder / "model", dim);
  fs::copy(folder / "model", folder / "model-json", fs::copy_options::recursive);
  Json vocabulary = Json::object();
  detail::LineReader lines(folder / "model" / "vocab.txt");
  for (std::string line; lines.next(line);) vocabulary[line] = vocabulary.size();
  const Json cls = {{"SpecialToken", {{"id", "[CLS]"}, {"type_id", 0}}}}, sep = {{"SpecialToken", {{"id", "[SEP]"}, {"type_id", 0}}}};
  const auto special = [&](const char* token) { return Json{{"id", token}, {"ids", {vocabulary[token]}}, {"tokens", {token}}}; };
  Json added = Json::array();
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) added.push_back({{"id", vocabulary[token]}, {"content", token}, {"special", true}});
  detail::write_json(folder / "model-json" / "tokenizer.json",
                     {{"version", "1.0"},
                      {"added_tokens", added},
                      {"normalizer", {{"type", "BertNormalizer"}, {"clean_text", true}, {"handle_chinese_chars", true}, {"strip_accents", nullptr}, {"lowercase", true}}},
                      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                      {"post_processor",
                       {{"type", "TemplateProcessing"},
                        {"single", {cls, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}, sep}},
                        {"special_tokens", {{"[CLS]", special("[CLS]")}, {"[SEP]", special("[SEP]")}}}}},
                      {"model", {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"continuing_subword_prefix", "##"}, {"max_input_chars_per_word", 100}, {"vocab", vocabulary}}}});
  fs::remove(folder / "model-json" / "vocab.txt");
  detail::write_json(folder / "model-json" / "config_sentence_transformers.json", {{"prompts", {{"query", "x "}, {"document", ""}}}, {"default_prompt_name", nullptr}});
}

// A field of a protocol buffer that holds bytes.
std::string field(int number, const std::string& content) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  size_t size = content.size();
  for (; size >= 128; size >>= 7) bytes += static_cast<char>(size | 128);
  return bytes + static_cast<char>(size) + content;
}

std::string piece(const std::string& text, float score, char type = 1) {
  std::string number(sizeof score, '\0');
  std::memcpy(number.data(), &score, sizeof score);
  return field(1, field(1, text) + "\x15" + number + "\x18" + type);
}

// A tokenizer.json of each kind, and the older files of two.
void make_tokenizers(const fs::path& folder) {
  for (const char* kind : {"modernbert", "bge-m3", "sentencepiece-bpe"}) {
    fs::create_directories(folder / kind);
    fs::copy(data_folder() / "text" / kind / "tokenizer.json", folder / kind);
  }
  fs::create_directories(folder / "roberta");
  detail::write_json(folder / "roberta" / "vocab.json", {{"<s>", 0}, {"<pad>", 1}, {"</s>", 2}, {"<unk>", 3}, {"<mask>", 4}, {"d", 5}, {"a", 6}, {"b", 7}, {"da", 8}, {"\u0120da", 9}, {"\u0120", 10}});
  detail::write_file_atomically(folder / "roberta" / "merges.txt", "#version: 0.2\nd a\n\u0120 da\n");
  detail::write_json(folder / "roberta" / "tokenizer_config.json", {{"tokenizer_class", "RobertaTokenizer"}, {"add_prefix_space", true}, {"model_max_length", 512}});
  detail::write_json(folder / "roberta" / "special_tokens_map.json", {{"cls_token", "<s>"}, {"mask_token", {{"content", "<mask>"}, {"lstrip", true}}}});
  fs::create_directories(folder / "xlm-roberta");
  const Json unigram = detail::read_json(data_folder() / "text" / "xlm-roberta" / "tokenizer.json");
  std::string charsmap;
  for (const Json& step : unigram["normalizer"].value("normalizers", Json::array({unigram["normalizer"]}))) {
    if (step["type"] == "Precompiled") charsmap = detail::decode_base64(step["precompiled_charsmap"].get<std::string>()).value();
  }
  detail::write_file_atomically(folder / "xlm-roberta" / "sentencepiece.bpe.model",
                                piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece("\u2581", -2) + piece("\u2581da", -3) + piece("a", -4.5f) + piece("b", -5) + piece("<user>", 0, 4) +
                                    field(2, "\x18\x01") + field(3, field(2, charsmap)));
  detail::write_json(folder / "xlm-roberta" / "tokenizer_config.json", {{"tokenizer_class", "XLMRobertaTokenizer"}, {"additional_special_tokens", {"<extra>"}}});
}

void make_texts(const fs::path& folder) {
  std::string documents, verdicts;
  int64_t pairs = 0;
  for (const Document& document : topic_documents(num_documents)) {
    documents += Json{{"uid", document.uid}, {"title", document.title}, {"content", document.content}, {"target_ind", {1, 2}}}.dump() + "\n";
    Json line{{"uid", document.uid}, {"labels", Json::array()}, {"scores", Json::array()}};
    for (int64_t topic = 0; topic < num_topics; ++topic) {
      // The recording does not have all.
      if (topic % 4 == 3) continue;
      line["labels"].push_back(uid("t", topic));
      line["scores"].push_back(topic == 5 ? Json() : Json(topic_truth(document.uid, uid("t", topic)).score()));
      ++pairs;
    }
    verdicts += line.dump() + "\n";
  }
  verdicts = Json{{"format", 1}, {"identity", identity}, {"pairs", pairs}}.dump() + "\n" + verdicts;
  detail::write_file_atomically(folder / "documents.jsonl", documents);
  detail::write_file_atomically(folder / "verdicts.jsonl", verdicts);
  write_gzip(folder / "documents.jsonl.gz", documents, documents.size() / 2);
  write_gzip(folder / "verdicts.jsonl.gz", verdicts, verdicts.size());
  std::vector<Label> labels = topic_labels().labels();
  labels[0].description = "the first one";
  labels[1].other_names = {"another name"};
  labels[2].broader = {"t0"};
  LabelSet(labels).save(folder / "labels.jsonl");
}

at::Tensor rows_of(std::vector<float>& numbers, int64_t width) {
  return at::from_blob(numbers.data(), {static_cast<int64_t>(numbers.size()) / width, width}, at::kFloat);
}

std::vector<float> some_rows(int64_t count, int64_t width) {
  detail::KeyedRandom random(detail::random_key(5, "rows"));
  std::vector<float> numbers;
  for (int64_t i = 0; i < count * width; ++i) numbers.push_back(static_cast<float>(2 * random.uniform() - 1));
  return numbers;
}

void make_index(const fs::path& folder) {
  std::vector<float> first = some_rows(6, 4), second = some_rows(2, 4);
  const std::vector<int64_t> owners = {7, 8}, removed = {2}, biased = {0, 7};
  const std::vector<float> biases = {0.25f, -0.5f};
  LabelIndex::build(rows_of(first, 4)).with_added(rows_of(second, 4), owners).with_removed(removed).with_bias(biased, biases).save(folder / "index");
}

// LMTX makes graphs of many rows only. This one has three rows, all on the lowest level, each beside the two others.
void make_graph(const fs::path& folder) {
  std::vector<float> rows = some_rows(3, 4);
  LabelIndex::build(rows_of(rows, 4)).save(folder / "graph");
  const std::vector<int64_t> header = {3, 3 * 64, 32, 0, 0, 0, 0};
  std::vector<int32_t> numbers(3, 1);
  for (int32_t row = 0; row < 3; ++row) {
    std::vector<int32_t> neighbors(64, -1);
    neighbors[0] = (row + 1) % 3;
    neighbors[1] = (row + 2) % 3;
    numbers.insert(numbers.end(), neighbors.begin(), neighbors.end());
  }
  std::string graph("LMTXHNSW");
  graph.append(reinterpret_cast<const char*>(header.data()), header.size() * sizeof(int64_t));
  graph.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(int32_t));
  const std::string checksum = detail::hex(detail::Hasher().add_raw(graph.data(), graph.size()).finish());
  Json manifest = detail::read_json(folder / "graph" / "manifest.json");
  manifest["method"] = "hnsw";
  manifest["segments"][0]["graph"] = {{"file", "graph-" + checksum + ".bin"}, {"bytes", graph.size()}, {"checksum", checksum}};
  detail::write_file_atomically(folder / "graph" / ("graph-" + checksum + ".bin"), graph);
  detail::write_json(folder / "graph" / "manifest.json", detail::sealed(manifest));
}

TrainerOptions tiny_options() {
  TrainerOptions options;
  options.cycles = 2;
  options.judgments_per_cycle = 4;
  options.development = 3;
  options.document_length = 16;
  options.epochs = 2;
  options.batch_size = 4;
  options.learning_rate = 5e-3;
  options.warmup = 0.2;
  options.checkpoint_every = 3;
  options.restart = false;
  options.use_all_judgments = true;
  options.search_token_budget = 256;
  return options;
}

void make_runs(const fs::path& folder) {
  std::stop_source stop;
  const auto stop_in_training = [&](const Event& event) {
    if (event.stage == "train" && event.cycle == 1 && event.done == 2) stop.request_stop();
  };
  try {
    trainer_in(folder, folder / "run").run(stop_in_training, stop.get_token());
    throw std::logic_error("the run was to stop in the second cycle's training");
  } catch (const Stopped&) {
  }
  fs::copy(folder / "run", folder / "finished", fs::copy_options::recursive);
  trainer_in(folder, folder / "finished").run();
  fs::copy(folder / "finished" / "judgments.db", folder / "judgments.db");
}

EncodeToFileOptions small_windows() { return {.encode = {.token_budget = 8}, .window_tokens = 128, .checkpoint_seconds = 0}; }

// In the making: the rows of 16 documents are there.
void make_vectors(const fs::path& folder) {
  fs::create_directories(folder / "vectors");
  std::stop_source stop;
  const auto stop_after_16 = [&](const Event& event) {
    if (event.done >= 16) stop.request_stop();
  };
  try {
    encode_to_file(Encoder::load(folder / "model"), Corpus::open(folder / "documents.jsonl"), folder / "vectors" / "vectors.npy", small_windows(), stop_after_16, stop.get_token());
    throw std::logic_error("the vectors were to stop in the making");
  } catch (const Stopped&) {
  }
}

void make_trust(const fs::path& folder) {
  const std::vector<double> scores = {0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.55, 0.6, 0.7, 0.8, 0.85, 0.9}, gold = {0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 1, 1};
  const GoldPairs pairs{.scores = scores, .gold = gold};
  Calibration::platt(pairs).for_teacher(identity).save(folder / "calibration.json");
  Calibration::isotonic(pairs).save(folder / "calibration-isotonic.json");
  Combination::votes(std::vector<Reliability>{{.sensitivity = 0.9, .specificity = 0.8}, {.sensitivity = 0.6, .specificity = 0.7, .cut = 0.3}}, 0.2)
      .save(folder / "combination.json");
}

// --- reading them ---

template <typename T>
Json numbers_of(const at::Tensor& tensor) {
  const T* data = tensor.const_data_ptr<T>();
  return Json(std::vector<T>(data, data + tensor.numel()));
}

// None is empty: a tokenizer whose template is damaged may put no special tokens around it.
const std::vector<std::string_view>& some_texts() {
  static const std::vector<std::string_view> texts = {"daa dab x1", "dba unknown x"};
  return texts;
}

Json read_model(const fs::path& folder) {
  const Encoder encoder = Encoder::load(folder);
  return {{"dim", encoder.dim()}, {"max_length", encoder.max_length()}, {"prompts", encoder.prompts()}, {"vectors", numbers_of<float>(encoder.encode(some_texts()))}};
}

Json read_tokenizer(const fs::path& folder) {
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const Json prefix(std::vector<int32_t>(tokenizer.prefix().begin(), tokenizer.prefix().end())), suffix(std::vector<int32_t>(tokenizer.suffix().begin(), tokenizer.suffix().end()));
  const std::string_view texts[] = {"daa dab x1", "caf\u00e9 <mask> of\u3000the \u2460\uff21 trade", ""};
  const RaggedTokens tokens = tokenizer.encode(texts, static_cast<int64_t>(prefix.size() + suffix.size()) + 32);
  return {{"prefix", prefix}, {"suffix", suffix}, {"size", tokenizer.vocabulary_size()}, {"max_length", tokenizer.model_max_length()}, {"ids", tokens.ids}, {"offsets", tokens.offsets}};
}

Json read_tagger(const fs::path& folder) {
  const Tagger tagger = Tagger::load(folder);
  Json tags = Json::array();
  for (const auto& of_text : tagger.tag(some_texts())) {
    for (const Tag& tag : of_text) tags.push_back({tag.uid, tag.label, tag.score});
  }
  return {{"labels", tagger.labels().fingerprint()}, {"search_length", tagger.settings().search_length}, {"k", tagger.rule().k()}, {"tags", tags}};
}

Json read_index(const fs::path& folder) {
  const LabelIndex index = LabelIndex::load(folder);
  std::vector<float> queries = some_rows(2, 4);
  const LabelMatches matches = index.search(rows_of(queries, 4), 3);
  return {{"rows", index.num_rows()},
          {"labels", index.num_labels()},
          {"method", index.options().method},
          {"found", numbers_of<int64_t>(matches.labels)},
          {"scores", numbers_of<float>(matches.scores)}};
}

Json read_corpus(const fs::path& file) {
  const Corpus corpus = Corpus::open(file);
  Json targets = read_targets(file, num_topics);
  Document document;
  const auto reader = corpus.read();
  while (reader->next(document)) continue;
  return {{"size", corpus.size()}, {"fingerprint", corpus.fingerprint()}, {"last", document.uid}, {"targets", targets}};
}

Json read_labels(const fs::path& file) {
  const LabelSet labels = LabelSet::open(file);
  return {{"size", labels.size()}, {"fingerprint", labels.fingerprint()}};
}

// All verdicts that a teacher puts.
class Collector final : public AnswerSink {
 public:
  void put(const Question&, std::span<const Verdict> verdicts, const Usage&, std::string_view) override {
    for (const Verdict& verdict : verdicts) found.push_back(verdict.scored() ? Json(verdict.score()) : Json(static_cast<int>(verdict.kind())));
  }
  std::stop_token stop() const override { return {}; }
  Json found = Json::array();
};

// Every pair of a document and a label that there is, as `use` wants to see it.
void for_each_question(const std::function<void(const Question&)>& use) {
  const LabelSet labels = topic_labels();
  std::vector<LabelToJudge> to_judge;
  for (const Label& label : labels) to_judge.push_back({label.uid, label.name, label.uid == "t0" ? "the first one" : ""});
  for (const Document& document : topic_documents(num_documents)) use({document.uid, document.title, document.content, to_judge});
}

Json read_recording(const fs::path& file) {
  const auto oracle = RecordedOracle::open(file);
  Collector collector;
  for_each_question([&](const Question& question) { oracle->judge(std::span(&question, 1), collector); });
  return {{"identity", oracle->identity()}, {"size", oracle->size()}, {"verdicts", collector.found}};
}

Json read_store(const fs::path& file) {
  for (const char* beside : {"-wal", "-shm"}) fs::remove(file.string() + beside);
  const JudgmentStore store = JudgmentStore::open(file);
  // To open it does not look through it all.
  if (const StoreCheck check = store.check(); !check.whole()) detail::fail(file.string(), check.faults.front());
  Json found = Json::array();
  for_each_question([&](const Question& question) {
    for (const auto& judgment : store.find(identity, question)) found.push_back(judgment && judgment->verdict.scored() ? Json(judgment->verdict.score()) : Json(judgment.has_value()));
  });
  store.export_recording(identity, file.string() + ".exported");
  return {{"size", store.size()}, {"found", found}, {"exported", detail::read_file(file.string() + ".exported")}};
}

Json read_tokens(const fs::path& file) {
  const TokenFile tokens = TokenFile::open(file);
  Json all = Json::array();
  for (int64_t i = 0; i < tokens.size(); ++i) all.push_back(std::vector<int32_t>(tokens[i].begin(), tokens[i].end()));
  return {{"tokens", all}, {"max_length", tokens.max_length()}, {"cut", tokens.num_cut()}};
}

Json read_asked(const fs::path& file) {
  const AskedPairs asked = AskedPairs::load(file);
  Json all = Json::array();
  for (int64_t i = 0; i < asked.num_documents(); ++i) {
    for (const AskedPair& pair : asked.of(i)) all.push_back({asked.document(i), pair.label, pair.score, static_cast<int>(pair.state), pair.from_store, pair.earlier, pair.charged});
  }
  return all;
}

Json read_shortlists(const fs::path& file) {
  const Shortlists lists = Shortlists::load(file);
  return {{"k", lists.k}, {"documents", lists.documents}, {"labels", lists.labels}, {"scores", lists.scores}};
}

Json read_twins(const fs::path& file) {
  const Twins twins = Twins::load(file);
  Json first = Json::array();
  for (int64_t i = 0; i < num_documents; ++i) first.push_back(twins.first(i));
  return first;
}

// What they come to: float32 behind the header.
Json read_vectors(const fs::path& folder) {
  fs::remove_all(folder / "resumed");
  fs::copy(folder / "vectors", folder / "resumed");
  const fs::path file = folder / "resumed" / "vectors.npy";
  encode_to_file(Encoder::load(folder / "model"), Corpus::open(folder / "documents.jsonl"), file, small_windows());
  const std::string bytes = detail::read_file(file);
  std::vector<float> numbers(num_documents * dim);
  if (bytes.size() != 128 + numbers.size() * sizeof(float)) throw std::logic_error("the vectors have another size");
  std::memcpy(numbers.data(), bytes.data() + 128, bytes.size() - 128);
  return {{"header", bytes.substr(8, 120)}, {"rows", numbers}};
}

Json read_run(const fs::path& folder) {
  const RunManifest run = *WorkFolder(folder).manifest();
  // Those that the file names: later versions have more.
  const Json named = detail::read_json(folder / "run.json").value("options", Json::object());
  Json options = Json::object();
  for (const OptionInfo& option : describe(run.options)) {
    if (named.contains(option.name)) options[option.name] = option.value;
  }
  return {{"run", run.run},     {"teacher", run.teacher}, {"base", run.base},   {"documents", run.documents}, {"labels", run.labels},
          {"store", run.store}, {"torch", run.torch},     {"options", options}, {"threads", run.threads}};
}

Json read_report_file(const fs::path& file) { return detail::parse_json(read_report(file).to_json(), file.string()); }

Json read_calibration(const fs::path& file) {
  const Calibration calibration = Calibration::load(file);
  Json values = Json::array();
  for (const double score : {0.0, 0.25, 0.5, 0.75, 1.0}) values.push_back(calibration(score));
  return {{"identity", calibration.identity()}, {"teacher", calibration.teacher()}, {"pairs", calibration.pairs()}, {"yeses", calibration.yeses()}, {"values", values}};
}

Json read_combination(const fs::path& file) {
  const Combination combination = Combination::load(file);
  return {{"identity", combination.identity()}, {"value", combination(std::vector{0.9, 0.2})}};
}

// A format that is one file, whose reader takes its path.
Format of_file(std::string name, std::string file, bool sealed, Json (*read)(const fs::path&)) {
  return {name, {file}, sealed, [file, read](const fs::path& folder) { return read(folder / file); }};
}

}  // namespace

void make_valid_files(const fs::path& folder) {
  fs::create_directories(folder);
  make_models(folder);
  make_tokenizers(folder / "tokenizers");
  make_texts(folder);
  make_index(folder);
#ifdef LMTX_FAISS
  make_graph(folder);
#endif
  make_runs(folder);
  make_vectors(folder);
  make_trust(folder);
}

const std::vector<Format>& formats() {
  static const std::vector<Format> formats = {
      of_file("model", "model", false, read_model),
      of_file("model with tokenizer.json", "model-json", false, read_model),
      of_file("tokenizer.json, byte-level", "tokenizers/modernbert", false, read_tokenizer),
      of_file("tokenizer.json, unigram", "tokenizers/bge-m3", false, read_tokenizer),
      of_file("tokenizer.json, SentencePiece's BPE", "tokenizers/sentencepiece-bpe", false, read_tokenizer),
      of_file("vocab.json and merges.txt", "tokenizers/roberta", false, read_tokenizer),
      of_file("sentencepiece.bpe.model", "tokenizers/xlm-roberta", false, read_tokenizer),
      of_file("tagger", "finished/tagger", true, read_tagger),
      of_file("student", "finished/cycle-0/student", false, read_model),
      of_file("label index", "index", true, read_index),
#ifdef LMTX_FAISS
      of_file("label index with a graph", "graph", true, read_index),
#endif
      of_file("documents", "documents.jsonl", false, read_corpus),
      of_file("documents, gzip", "documents.jsonl.gz", true, read_corpus),
      of_file("labels", "labels.jsonl", false, read_labels),
      of_file("recorded verdicts", "verdicts.jsonl", false, read_recording),
      of_file("recorded verdicts, gzip", "verdicts.jsonl.gz", true, read_recording),
      of_file("judgment store", "judgments.db", true, read_store),
      of_file("calibration", "calibration.json", true, read_calibration),
      of_file("calibration, isotonic", "calibration-isotonic.json", true, read_calibration),
      of_file("combination", "combination.json", true, read_combination),
      of_file("token file of documents", "run/documents.tokens", true, read_tokens),
      of_file("token file of labels", "run/labels.tokens", true, read_tokens),
      of_file("twins", "run/documents.twins", true, read_twins),
      of_file("asked pairs", "run/cycle-1/asked", true, read_asked),
      of_file("measured pairs", "run/cycle-0/measured", true, read_asked),
      of_file("shortlists", "run/cycle-0/shortlist", true, read_shortlists),
      {"file of vectors in the making", {"vectors"}, true, read_vectors},
      {"run.json", {"run/run.json"}, true, [](const fs::path& folder) { return read_run(folder / "run"); }},
      of_file("cycle.json", "run/cycle-0/cycle.json", true, read_report_file),
      of_file("report.json", "finished/report.json", true, read_report_file),
  };
  return formats;
}

std::vector<std::string> files_of(const fs::path& folder, const std::vector<std::string>& names) {
  std::set<std::string> files;
  for (const std::string& name : names) {
    if (!fs::is_directory(folder / name)) {
      files.insert(name);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(folder / name)) {
      if (entry.is_regular_file()) files.insert(fs::relative(entry.path(), folder).generic_string());
    }
  }
  return {files.begin(), files.end()};
}

CurriculumTrainer trainer_in(const fs::path& folder, const fs::path& run) {
  return CurriculumTrainer(Encoder::load(folder / "model"), Corpus::open(folder / "documents.jsonl"), LabelSet::open(folder / "labels.jsonl"),
                           RecordedOracle::open(folder / "verdicts.jsonl"), tiny_options(), {.folder = run, .store = {}, .budget = {}});
}

}  // namespace lmtx::test
