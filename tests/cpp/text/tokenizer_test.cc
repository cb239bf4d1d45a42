#include "lmtx/text/tokenizer.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "catch.h"
#include "data.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"

namespace fs = std::filesystem;
using lmtx::RaggedTokens;
using lmtx::Tokenizer;
using lmtx::detail::Json;
using Ids = std::vector<int32_t>;

namespace {

constexpr int64_t unlimited = INT64_MAX;

fs::path data_folder() { return lmtx::test::data_folder() / "text"; }

Ids ids(const Tokenizer& tokenizer, std::string_view text, int64_t max_length = unlimited) { return tokenizer.encode({&text, 1}, max_length).ids; }

class TemporaryFolder {
 public:
  TemporaryFolder() : path(fs::temp_directory_path() / ("lmtx-tokenizer-" + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~TemporaryFolder() { fs::remove_all(path); }

  TemporaryFolder& with(const std::string& name, const std::string& content) {
    std::ofstream(path / name, std::ios::binary) << content;
    return *this;
  }

  const fs::path path;
};

// The uncased fixture, changed by a JSON patch.
std::string changed(const char* patch) {
  return lmtx::detail::read_json(data_folder() / "uncased" / "tokenizer.json").patch(Json::parse(patch)).dump();
}

std::string message_of_loading(const TemporaryFolder& folder) {
  try {
    Tokenizer::load(folder.path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

std::string message_for(const char* patch) {
  TemporaryFolder folder;
  folder.with("tokenizer.json", changed(patch));
  const std::string message = message_of_loading(folder);
  const std::string file = (folder.path / "tokenizer.json").string();
  REQUIRE_THAT(message, ContainsSubstring(file));
  return message.substr(file.size());
}

// Words of all kinds, some of them bytes that are no UTF-8.
std::vector<std::string> random_texts(int64_t count, uint64_t seed) {
  static const std::vector<std::string> parts{"the", "tagging", " ", "  ", "Caf\u00e9", "\u6f22", "\u0301", "a", "!", "[SEP]", "\xff", "\xe6\xbc", "\n", "\u00a0"};
  lmtx::detail::KeyedRandom random(seed);
  std::vector<std::string> texts(static_cast<size_t>(count));
  for (std::string& text : texts) {
    for (int64_t n = random.below(40); n > 0; --n) text += parts[static_cast<size_t>(random.below(static_cast<int64_t>(parts.size())))];
  }
  return texts;
}

}  // namespace

TEST_CASE("ids are those that tokenizers gave") {
  for (const char* file : {"ids.json", "subword_ids.json"}) {
    const Json expected = lmtx::detail::read_json(data_folder() / file);
    for (const auto& [name, cases] : expected.items()) {
      const Tokenizer tokenizer = Tokenizer::load(data_folder() / name);
      for (const Json& c : cases) {
        INFO(name << ": " << c["text"]);
        CHECK(ids(tokenizer, c["text"].get<std::string>()) == c["ids"].get<Ids>());
      }
    }
  }
}

TEST_CASE("texts keep their order and their offsets") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "uncased");
  const std::vector<std::string_view> texts{"the tag", "", "tag"};
  const RaggedTokens tokens = tokenizer.encode(texts, unlimited);
  REQUIRE(tokens.size() == 3);
  CHECK(tokens.offsets == std::vector<int64_t>{0, 4, 6, 9});
  CHECK(Ids(tokens[0].begin(), tokens[0].end()) == Ids{2, 5, 6, 3});
  CHECK(Ids(tokens[1].begin(), tokens[1].end()) == Ids{2, 3});
  CHECK(tokenizer.encode({}, unlimited).size() == 0);
}

TEST_CASE("a tokenizer knows its special tokens and its size") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "uncased");
  CHECK(Ids(tokenizer.prefix().begin(), tokenizer.prefix().end()) == Ids{2});
  CHECK(Ids(tokenizer.suffix().begin(), tokenizer.suffix().end()) == Ids{3});
  CHECK(tokenizer.model_max_length() == 0);
  const Json json = lmtx::detail::read_json(data_folder() / "uncased" / "tokenizer.json");
  CHECK(tokenizer.vocabulary_size() == static_cast<int64_t>(json["model"]["vocab"].size()) + 2);  // <solo> and <wide> come after it.
}

TEST_CASE("a text is cut at max_length, the special tokens stay") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "uncased");
  CHECK(ids(tokenizer, "the tagging of tags", 5) == Ids{2, 5, 6, 7, 3});
  CHECK(ids(tokenizer, "the [MASK] tag", 4) == Ids{2, 5, 4, 3});
  CHECK(ids(tokenizer, "the tag", 2) == Ids{2, 3});
  CHECK_THROWS_AS(ids(tokenizer, "the tag", 1), std::invalid_argument);
  CHECK_THROWS_WITH(ids(tokenizer, "the tag", 1), "`max_length` must leave room for the 2 special tokens of a text, but is 1 instead.");
}

TEST_CASE("cutting gives the beginning of what is not cut") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "added");
  for (const std::string& text : random_texts(300, 1)) {
    const Ids whole = ids(tokenizer, text);
    for (size_t length = 2; length < whole.size(); ++length) {
      Ids expected(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length) - 1);
      expected.push_back(3);
      CHECK(ids(tokenizer, text, static_cast<int64_t>(length)) == expected);
    }
  }
}

TEST_CASE("bytes that are no UTF-8 read as Python's errors=replace has them") {
  // Without cleaning U+FFFD stays, and counts as a letter; the number of code points shows where a word becomes too long.
  TemporaryFolder folder;
  folder.with("tokenizer.json", changed(R"([{"op": "replace", "path": "/normalizer/clean_text", "value": false},
                                            {"op": "add", "path": "/model/vocab/\ufffd", "value": 70}, {"op": "add", "path": "/model/vocab/##\ufffd", "value": 71}])"));
  const Tokenizer tokenizer = Tokenizer::load(folder.path);
  // Each as many U+FFFD as bytes.decode("utf-8", "replace") gives, seen in CPython 3.11; but one for an encoded surrogate.
  const std::vector<std::pair<std::string, int>> cases{
      {"\x80", 1},         {"\xff\xfe", 2},     {"\xc3", 1},         {"\xe6\xbc", 1},         {"\xe6\xbc\xc3", 2},         {"\xf0\x9f\x98", 1}, {"\xc0\xaf", 2},
      {"\xe0\x80\x80", 3}, {"\xf0\x80\x80", 3}, {"\xf4\x90\x80", 3}, {"\xf5\x80\x80\x80", 4}, {"\xed\xa0", 2},             {"\xe0\xa0", 1},
      {"\xed\xa0\x80", 1}, {"\xed\xbf\xbf", 1}, {"\xed\xa0\x80\xed\xb0\x80", 2}};
  for (const auto& [bytes, count] : cases) {
    Ids expected{2, 70};
    expected.insert(expected.end(), static_cast<size_t>(count) - 1, 71);
    expected.push_back(3);
    CHECK(ids(tokenizer, bytes) == expected);
  }
}

TEST_CASE("invalid bytes vanish where text is cleaned") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "uncased");
  CHECK(ids(tokenizer, "tag\xffging \xed\xa0\x80the") == ids(tokenizer, "tagging the"));
}

TEST_CASE("ids do not depend on threads, on texts beside, or on texts before") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "added");
  const std::vector<std::string> texts = random_texts(3000, 2);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const RaggedTokens together = tokenizer.encode(views, unlimited);
  for (size_t i = 0; i < texts.size(); i += 7) {
    const std::span<const int32_t> expected = together[static_cast<int64_t>(i)];
    CHECK(ids(Tokenizer::load(data_folder() / "added"), texts[i]) == Ids(expected.begin(), expected.end()));
    if (i > 100) i += 200;
  }
  const int threads = at::get_num_threads();
  for (int n : {1, 2, 5}) {
    at::set_num_threads(n);
    CHECK(tokenizer.encode(views, unlimited).ids == together.ids);
  }
  at::set_num_threads(threads);
}

TEST_CASE("a stop request ends tokenization") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "uncased");
  std::stop_source source;
  source.request_stop();
  const std::string_view text = "red wine";
  CHECK_THROWS_AS(tokenizer.encode(std::span(&text, 1), 16, source.get_token()), lmtx::Stopped);
}

TEST_CASE("several threads may use one tokenizer") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "uncased");
  const std::vector<std::string> texts = random_texts(500, 3);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const Ids expected = tokenizer.encode(views, unlimited).ids;
  std::vector<Ids> results(4);
  std::vector<std::thread> threads;
  for (Ids& result : results) threads.emplace_back([&] { result = Tokenizer(tokenizer).encode(views, unlimited).ids; });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& result : results) CHECK(result == expected);
}

TEST_CASE("a document of a million words and a word of a million letters are no trouble") {
  const Tokenizer tokenizer = Tokenizer::load(data_folder() / "uncased");
  std::string words;
  for (int i = 0; i < 1'000'000; ++i) words += "tag ";
  CHECK(ids(tokenizer, words).size() == 1'000'002);
  CHECK(ids(tokenizer, words, 256).size() == 256);
  CHECK(ids(tokenizer, std::string(1'000'000, 'a') + " the") == Ids{2, 1, 5, 3});
  std::string ideographs;
  for (int i = 0; i < 300'000; ++i) ideographs += "\u6f22";
  CHECK(ids(tokenizer, ideographs).size() == 300'002);
  CHECK(ids(tokenizer, ideographs, 100).size() == 100);
}

TEST_CASE("a folder without a tokenizer is refused") {
  const TemporaryFolder folder;
  CHECK(message_of_loading(folder) == folder.path.string() +
              ": expected a folder with tokenizer.json, vocab.txt, sentencepiece.bpe.model, or vocab.json and merges.txt, but found none of them.");
}

TEST_CASE("what is not supported in tokenizer.json is refused by name") {
  CHECK(message_for(R"([{"op": "replace", "path": "/model/type", "value": "WordLevel"}])") ==
        ": `model` is of the type \"WordLevel\", but only \"WordPiece\", \"BPE\" and \"Unigram\" are supported.");
  CHECK(message_for(R"([{"op": "remove", "path": "/model"}])") == ": `model` is not there.");
  CHECK(message_for(R"([{"op": "replace", "path": "/normalizer", "value": {"type": "Lowercase"}}])") ==
        ": `normalizer` is of the type \"Lowercase\", but only \"BertNormalizer\" is supported.");
  CHECK(message_for(R"([{"op": "replace", "path": "/normalizer", "value": null}])") == ": `normalizer` is not there, but only a \"BertNormalizer\" is supported.");
  CHECK(message_for(R"([{"op": "replace", "path": "/pre_tokenizer/type", "value": "Metaspace"}])") ==
        ": `pre_tokenizer` is of the type \"Metaspace\", but only \"BertPreTokenizer\" is supported.");
  CHECK(message_for(R"([{"op": "replace", "path": "/post_processor", "value": {"type": "Other"}}])") ==
        ": `post_processor` is of the type \"Other\", but only \"TemplateProcessing\", \"BertProcessing\", \"RobertaProcessing\", \"ByteLevel\" and a "
        "\"Sequence\" of these are supported.");
  CHECK(message_for(R"([{"op": "replace", "path": "/version", "value": "2.0"}])") == ": `version` is \"2.0\", but only \"1.0\" is supported.");
}

TEST_CASE("what is broken in tokenizer.json is named") {
  CHECK(message_for(R"([{"op": "replace", "path": "/model/unk_token", "value": "<unk>"}])") == ": `model`: the unknown token \"<unk>\" is not in `vocab`.");
  CHECK(message_for(R"([{"op": "replace", "path": "/model/vocab/tag", "value": -1}])") ==
        ": `model.vocab`: the id of the token \"tag\" must be an integer from 0 to 2147483646, but is -1 instead.");
  CHECK(message_for(R"([{"op": "replace", "path": "/model/vocab/tag", "value": "x"}])") ==
        ": `model.vocab`: the id of the token \"tag\" must be an integer from 0 to 2147483646, but is \"x\" instead.");
  CHECK(message_for(R"([{"op": "replace", "path": "/model/max_input_chars_per_word", "value": -1}])") ==
        ": `model`: `max_input_chars_per_word` must not be negative, but is -1 instead.");
  CHECK(message_for(R"([{"op": "replace", "path": "/normalizer/lowercase", "value": "yes"}])") ==
        ": `normalizer`: `lowercase` must be true or false, but is string instead.");
  CHECK(message_for(R"([{"op": "replace", "path": "/added_tokens", "value": {}}])") == ": `added_tokens` must be a list.");
  CHECK(message_for(R"([{"op": "remove", "path": "/added_tokens/0/content"}])") == ": `added_tokens`: `content` is missing.");
  CHECK(message_for(R"([{"op": "replace", "path": "/post_processor/cls", "value": ["[CLS]"]}])") ==
        ": `post_processor`: `cls` must be a token and its id.");
  CHECK(message_for(R"([{"op": "replace", "path": "/post_processor", "value": {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B"}}]}}])") ==
        ": `post_processor`: `single` has a piece that is not supported: {\"Sequence\":{\"id\":\"B\"}}.");
  CHECK(message_for(R"([{"op": "replace", "path": "/post_processor", "value": {"type": "TemplateProcessing", "single": []}}])") ==
        ": `post_processor`: `single` must have the text once, but has it 0 times.");
  CHECK(message_for(R"([{"op": "replace", "path": "/post_processor", "value": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]"}}]}}])") ==
        ": `post_processor`: \"[CLS]\" is not in `special_tokens`.");
}

TEST_CASE("a truncated tokenizer.json is refused") {
  TemporaryFolder folder;
  const std::string whole = changed("[]");
  for (size_t size : {size_t{0}, whole.size() / 2, whole.size() - 1}) {
    folder.with("tokenizer.json", whole.substr(0, size));
    CHECK_THAT(message_of_loading(folder), ContainsSubstring((folder.path / "tokenizer.json").string() + ": broken JSON"));
  }
}

TEST_CASE("BERT's vocab.txt is read with its settings") {
  TemporaryFolder folder;
  folder.with("vocab.txt", "[PAD]\r\n[UNK] \n[CLS]\n[SEP]\n[MASK]\ntag\nTag\n##s\n");
  CHECK(ids(Tokenizer::load(folder.path), "Tags [MASK]") == Ids{2, 5, 7, 4, 3});
  folder.with("tokenizer_config.json", R"({"do_lower_case": false, "model_max_length": 512, "tokenizer_class": "BertTokenizerFast", "cls_token": {"content": "[MASK]"}})");
  const Tokenizer cased = Tokenizer::load(folder.path);
  CHECK(ids(cased, "Tags [SEP]") == Ids{4, 6, 7, 3, 3});
  CHECK(ids(cased, "[CLS]") == Ids{4, 1, 1, 1, 3});  // No special token any more, but three unknown words.
  CHECK(cased.model_max_length() == 512);
  SECTION("another class is refused") {
    folder.with("tokenizer_config.json", R"({"tokenizer_class": "FunnelTokenizer"})");
    CHECK_THAT(message_of_loading(folder), ContainsSubstring("tokenizer_config.json: `tokenizer_class` is \"FunnelTokenizer\", but beside a vocab.txt only"));
  }
  SECTION("a missing special token is named") {
    folder.with("tokenizer_config.json", R"({"sep_token": "</s>"})");
    CHECK_THAT(message_of_loading(folder), ContainsSubstring("vocab.txt: the special token \"</s>\" is not there."));
  }
  SECTION("the placeholder for no limit is no limit") {
    folder.with("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
    CHECK(Tokenizer::load(folder.path).model_max_length() == 0);
  }
}
