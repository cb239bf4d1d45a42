// Files that somebody made to do harm.
#include <zlib.h>

#include <chrono>
#include <cmath>

#include "catch.h"
#include "damage.h"
#include "data.h"
#include "lmtx/corpus/corpus.h"
#include "lmtx/detail/json.h"
#include "lmtx/encoder.h"
#include "lmtx/nn/safetensors.h"
#include "lmtx/text/tokenizer.h"
#include "temporary_folder.h"
#include "train/trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;
using detail::Json;

namespace {

// More than any of these files may take.
constexpr uint64_t memory_limit = uint64_t{1} << 30;

std::string repeat(const std::string& text, int64_t count) {
  std::string repeated;
  for (int64_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

// {"k0": 0, "k1": 0, …}
std::string members(int64_t count, const std::string& value) {
  std::string text = "{";
  for (int64_t i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + uid("k", i) + "\":" + value;
  return text + "}";
}

std::string safetensors(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data;
}

}  // namespace

TEST_CASE("hostile JSON is refused in one line, within limited time and memory") {
  const MemoryLimit limit(memory_limit);
  const auto refused = [](const std::string& text, const std::string& fault) {
    try {
      detail::parse_json(text, "a.json");
      FAIL_CHECK("it was read: " << text.substr(0, 60));
    } catch (const std::runtime_error& error) {
      check_message(error.what(), "a.json");
      CHECK_THAT(error.what(), ContainsSubstring(fault));
    }
  };
  refused(repeat("[", 1'000'000), "nested deeper than 100 levels");
  refused(repeat("{\"a\":", 1'000'000), "nested deeper than 100 levels");
  refused("[" + repeat("0,", 9'000'000) + "0]", "more than 8388608 values");
  refused("[" + repeat("{},", 9'000'000) + "0]", "more than 8388608 values");
  refused(R"({"a": 1, "b": 2, "a": 3})", "the key `a` is there twice in one object");
  refused(R"({"outer": {"a\u0000\n": 1, "a\u0000\n": 3}})", "the key `a??` is there twice in one object");
  for (const char* number : {"NaN", "-Infinity", "1e999", "-1e999", "01", "1.", "0x10", "+1"}) refused(std::string("{\"a\": ") + number + "}", "broken JSON");
  for (const char* text : {"\"\xff\"", "\"\xc3\"", "\"\\ud800\"", "\"\n\"", "\"a", "{\"a\" 1}", "[1,]", "{} {}", "", "\xef\xbb\xbf", "nul"}) refused(text, "broken JSON");
  // A number of JSON is no number of 64 bits.
  const Json large = detail::parse_json("{\"a\": 18446744073709551616, \"b\": 9223372036854775808, \"c\": 1e5}", "a.json");
  for (const char* key : {"a", "b", "c"}) CHECK_THROWS_WITH(detail::json_integer(large, key, "a.json"), ContainsSubstring("must be an integer of 64 bits"));
}

TEST_CASE("an object of a million members is read in seconds") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(detail::parse_json(members(1'000'000, "0"), "a.json").size() == 1'000'000);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}

TEST_CASE("hostile safetensors headers are refused in one line, within limited memory") {
  const TemporaryFolder folder;
  const MemoryLimit limit(memory_limit);
  const auto refused = [&](const std::string& bytes, const std::string& fault) {
    const fs::path file = folder.write("model.safetensors", bytes);
    try {
      read_safetensors(file);
      FAIL_CHECK("it was read");
    } catch (const std::runtime_error& error) {
      check_message(error.what(), file);
      CHECK_THAT(error.what(), ContainsSubstring(fault));
    }
  };
  const std::string tensor = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", data(4, '\0');
  refused(safetensors("{\"x\":" + tensor + ",\"x\":" + tensor + "}", data), "the key `x` is there twice");
  refused(safetensors("{\"\xff\":" + tensor + "}", data), "broken JSON");
  refused(safetensors("{\"a\\u0000\\nb\":3}", data), "tensor `a??b`: must be an object");
  refused(safetensors(R"({"x":{"dtype":"F32\n","shape":[1],"data_offsets":[0,4]}})", data), "but is F32? instead");
  refused(safetensors(R"({"x":{"dtype":"F32","shape":[)" + repeat("1,", 1'000'000) + R"(1],"data_offsets":[0,4]}})", data), "at most 16 dimensions, but has 1000001");
  refused(safetensors(R"({"x":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}})", data), "whole numbers from 0 up");
  refused(safetensors(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", data), "whole numbers from 0 up");
  refused(safetensors(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551616]}})", data), "whole numbers from 0 up");
  refused(safetensors(members(500'000, tensor), data), "must begin at byte 4");
  refused(safetensors("{\"__metadata__\":" + repeat("[", 5000), data), "nested deeper");
  // Twice the memory of the file and no more, whatever the shape says.
  CHECK(read_safetensors(folder.write("empty.safetensors", safetensors(R"({"x":{"dtype":"F64","shape":[0,1099511627776],"data_offsets":[0,0]}})", ""))).size() == 1);
}

TEST_CASE("weights that are not finite are refused by their name") {
  const TemporaryFolder folder;
  make_tiny_model(folder.path(), 8);
  NamedTensors tensors = read_safetensors(folder / "model.safetensors");
  tensors[3].second.view(-1)[1] = GENERATE(std::nan(""), HUGE_VAL, -HUGE_VAL);
  write_safetensors(folder / "model.safetensors", tensors);
  CHECK_THROWS_WITH(Encoder::load(folder.path()), ContainsSubstring("model.safetensors: tensor `" + tensors[3].first + "` holds numbers that are not finite"));
}

TEST_CASE("settings that would give nonsense are refused") {
  const TemporaryFolder folder;
  make_tiny_model(folder.path(), 8);
  const Json config = detail::read_json(folder / "config.json");
  const auto refused = [&](const char* file, const Json& changed, const std::string& fault) {
    const std::string before = detail::read_file(folder / file);
    detail::write_json(folder / file, changed);
    CHECK_THROWS_WITH(Encoder::load(folder.path()), ContainsSubstring(file) && ContainsSubstring(fault));
    overwrite(folder / file, before);
  };
  const auto with = [&](const char* key, const Json& value) {
    Json changed = config;
    changed[key] = value;
    return changed;
  };
  refused("config.json", with("hidden_size", int64_t{1} << 62), "the hidden size must be at most 2147483647, but is 4611686018427387904.");
  refused("config.json", with("num_hidden_layers", -1), "number of layers must be at least 1");
  refused("config.json", with("type_vocab_size", -2), "number of token types must not be negative");
  refused("config.json", with("layer_norm_eps", -1), "epsilon must be in (0, 1)");
  refused("config.json", with("hidden_dropout_prob", 1), "dropout must be in [0, 1)");
  refused("config.json", with("model_type", "be\nrt"), "be?rt");
  const char* const transformer = "sentence_transformers.models.Transformer";
  const char* const pooling = "sentence_transformers.models.Pooling";
  refused("modules.json", {{{"type", transformer}, {"path", "../x"}}, {{"type", pooling}, {"path", "1_Pooling"}}}, "must stay in the folder");
  refused("modules.json", {{{"type", transformer}, {"path", std::string(5000, 'x')}}, {{"type", pooling}, {"path", "1_Pooling"}}}, "must be the name of a folder");
  refused("modules.json", {{{"type", transformer}, {"path", ""}}, {{"type", pooling}, {"path", "2_Pooling"}}}, "2_Pooling/config.json, which is not there");
  refused("modules.json", {{{"type", "a.Transformer"}, {"path", ""}}, {{"type", pooling}, {"path", "1_Pooling"}}}, "modules of class a.Transformer are not supported");
}

TEST_CASE("of a gzip file everything is read, or it is refused") {
  const TemporaryFolder folder;
  const auto packed = [&](const std::string& text) {
    const gzFile out = gzopen((folder / "one.gz").c_str(), "wb");
    gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
    gzclose(out);
    return detail::read_file(folder / "one.gz");
  };
  const std::string first = packed("{\"uid\": 1, \"title\": \"a\"}\n"), second = packed("{\"uid\": 2, \"title\": \"b\"}\n");
  const auto size_of = [&](const std::string& bytes) { return Corpus::open(folder.write("documents.jsonl.gz", bytes)).size(); };
  CHECK(size_of(first + second) == 2);
  CHECK(size_of(first + std::string(512, '\0') + second) == 2);
  CHECK(size_of(first + std::string(512, '\0')) == 1);
  std::string damaged = second;
  damaged[0] = 'x';
  for (const std::string& bytes : {first + damaged, first + "x", first + second.substr(0, 1), std::string()}) {
    CHECK_THROWS_WITH(size_of(bytes), ContainsSubstring("documents.jsonl.gz:") && ContainsSubstring("damaged or truncated gzip file"));
  }
}

TEST_CASE("a tokenizer that gives ids beyond its vocabulary is refused") {
  const TemporaryFolder folder;
  const Json special = {{"id", "[CLS]"}, {"ids", {7}}, {"tokens", {"[CLS]"}}};
  detail::write_json(folder / "tokenizer.json",
                     {{"normalizer", {{"type", "BertNormalizer"}}},
                      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                      {"post_processor", {{"type", "TemplateProcessing"}, {"single", {{{"SpecialToken", {{"id", "[CLS]"}}}}, {{"Sequence", {{"id", "A"}}}}}}, {"special_tokens", {{"[CLS]", special}}}}},
                      {"model", {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"vocab", {{"[UNK]", 0}, {"[CLS]", 1}}}}}});
  CHECK_THROWS_WITH(Tokenizer::load(folder.path()), ContainsSubstring("tokenizer.json: the special tokens around a text must be in [0, 2), the vocabulary, but one is 7."));
}

namespace {

// Of "vocab.json and merges.txt" or "sentencepiece.bpe.model": what is said where a file of it is another.
std::string fault_with(const fs::path& kind, const std::string& file, const std::string& bytes) {
  const TemporaryFolder copy;
  fs::copy(kind, copy.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  overwrite(copy / file, bytes);
  const MemoryLimit limit(memory_limit);
  try {
    Tokenizer::load(copy.path());
  } catch (const std::runtime_error& error) {
    check_message(error.what(), file);
    return error.what();
  }
  return "it was read";
}

// A tokenizer.json with this after `"model": {"type": "BPE", `.
std::string bpe(const std::string& rest) { return R"({"version": "1.0", "model": {"type": "BPE", )" + rest; }

}  // namespace

TEST_CASE("hostile tokenizer.json files are refused in one line, within limited time and memory") {
  const fs::path kind = formats_folder() / "v1" / "tokenizers" / "modernbert";
  const auto refused = [&](const std::string& bytes, const std::string& fault) { CHECK_THAT(fault_with(kind, "tokenizer.json", bytes), ContainsSubstring(fault)); };
  refused(bpe(R"("vocab": {"a": 0, "a": 1}}})"), "the key `a` is there twice");
  refused(bpe(R"("vocab": {"a": 0}, "vocab": {"b": 1}}})"), "the key `vocab` is there twice");
  refused(bpe(R"("vocab": {"a\u0000\n": -1}}})"), "the id of the token \"a??\" must be an integer from 0");
  refused(bpe(R"("vocab": {"a": 2147483647}}})"), "must be an integer from 0 to 2147483646");
  refused(bpe(R"("vocab": {"a": {"b": 0}}}})"), "`model.vocab` must give each token an id");
  refused(bpe(R"("vocab": )" + repeat("[", 5000)), "`model.vocab` must");
  refused(bpe(R"("vocab": {"a": 0}, "merges": )" + repeat("[", 5000)), "`model.merges` must be a list of pairs");
  refused(bpe(R"("vocab": {"a": 0}, "merges": [["a", "a", "a"]]}})"), "`model.merges` must be a list of pairs");
  refused(bpe(R"("vocab": {"a": 0}, "merges": ["a a"]}})"), "the token \"aa\" of a merge is not in the vocabulary");
  refused(bpe(R"("vocab": {"a": 0}, "merges": [)" + repeat("\"\",", 9'000'000)), "model.merges");
  refused(bpe(R"("vocab": {"a": 0}, "merges": [)" + repeat("[\"a\",\"a\"],", 3'000'000)), "more than 8388608 values");
  refused(bpe(R"("vocab": {"a": 0}, "merges": [["a", 1e999]]}})"), "broken JSON");
  refused("[" + bpe(R"("vocab": {"a": 0}}}])"), "expected a JSON object, but found array");
  const std::string replace = R"({"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaa"})";
  refused(R"({"normalizer": {"type": "Sequence", "normalizers": [)" + repeat(replace + ",", 5) + replace + R"(]}, "model": {"type": "BPE", "vocab": {"a": 0}}})",
          "texts could become more than 65536 times as long");
}

TEST_CASE("vocabularies, merges and added tokens by the hundred thousand are read in seconds") {
  const TemporaryFolder folder;
  Json json = {{"model", {{"type", "BPE"}, {"merges", Json::array()}, {"vocab", {{"a", 0}}}}}};
  std::string vocabulary = "{\"a\":0", merges, added;
  for (int64_t i = 0; i < 300'000; ++i) {
    vocabulary += ",\"" + uid("k", i) + "\":" + std::to_string(i + 1);
    if (i > 0) vocabulary += ",\"a" + uid("k", i) + "\":" + std::to_string(i + 300'001);
    if (i > 0) merges += std::string(i > 1 ? "," : "") + "[\"a\",\"" + uid("k", i) + "\"]";
    added += (i > 0 ? ",{\"content\":\"" : "{\"content\":\"") + uid("x", i) + "\"}";
  }
  overwrite(folder / "tokenizer.json", R"({"added_tokens": [)" + added + R"(], "model": {"type": "BPE", "vocab": )" + vocabulary + R"(}, "merges": [)" + merges + "]}}");
  const auto begin = std::chrono::steady_clock::now();
  CHECK(Tokenizer::load(folder.path()).vocabulary_size() >= 899'999);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}

TEST_CASE("hostile older files of tokenizers are refused in one line") {
  const fs::path roberta = formats_folder() / "v1" / "tokenizers" / "roberta", xlm_roberta = formats_folder() / "v1" / "tokenizers" / "xlm-roberta";
  const auto refused = [&](const fs::path& kind, const std::string& file, const std::string& bytes, const std::string& fault) {
    CHECK_THAT(fault_with(kind, file, bytes), ContainsSubstring(fault));
  };
  refused(roberta, "vocab.json", R"({"a": 0, "a": 1})", "the key `a` is there twice");
  refused(roberta, "vocab.json", R"({"a": [)" + repeat("[", 200) + "]", "nested deeper than 100 levels");
  refused(roberta, "vocab.json", R"({"a": 0})", "merges.txt: with vocab.json beside it: the token \"d\" of a merge is not in the vocabulary");
  refused(roberta, "merges.txt", "a\x01\x02\n", "line 1 must be two tokens with a space between them");
  refused(roberta, "special_tokens_map.json", "[1]", "expected a JSON object, but found array");
  refused(roberta, "special_tokens_map.json", R"({"cls_token": ""})", "`cls_token` must not be empty");
  refused(roberta, "tokenizer_config.json", R"({"tokenizer_class": "Rob\nerta"})", "`tokenizer_class` is \"Rob?erta\"");
  // Pieces: a field that says it is longer than the file, a score that is no number, none at all.
  refused(xlm_roberta, "sentencepiece.bpe.model", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "the file is broken, or no SentencePiece model");
  refused(xlm_roberta, "sentencepiece.bpe.model", std::string("\x0a\x08\x0a\x01\x07\x15\x00\x00\xc0\x7f", 10), "the score of the piece `?` is not finite");
  refused(xlm_roberta, "sentencepiece.bpe.model", "", "there are no pieces in it");
  refused(xlm_roberta, "sentencepiece.bpe.model", repeat(std::string("\x0a\x00", 2), 5'000'000), "more than 4194304 pieces");
  refused(xlm_roberta, "sentencepiece.bpe.model", std::string("\x0a\x00\x1a\x0a\x12\x08\x04\x00\x00\x00\x00\x00\x00\x00", 14) , "it was read");
}
