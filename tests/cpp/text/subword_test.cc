// The parts that tokenizers beside WordPiece are made of.
#include <fstream>
#include <string>

#include "catch.h"
#include "data.h"
#include "lmtx/detail/base64.h"
#include "lmtx/detail/json.h"
#include "lmtx/text/serde_number.h"
#include "lmtx/text/tokenizer.h"
#include "lmtx/text/utf8.h"
#include "temporary_folder.h"

using lmtx::Tokenizer;
using lmtx::detail::Json;
using Ids = std::vector<int32_t>;

namespace {

Ids ids(const Tokenizer& tokenizer, std::string_view text, int64_t max_length = INT64_MAX) { return tokenizer.encode({&text, 1}, max_length).ids; }

Tokenizer load(const Json& settings) {
  const TemporaryFolder folder;
  std::ofstream(folder / "tokenizer.json") << settings.dump();
  return Tokenizer::load(folder.path());
}

Json fixture(const char* name) { return lmtx::detail::read_json(lmtx::test::data_folder() / "text" / name / "tokenizer.json"); }

// What is said of a fixture with a patch, after the name of the file.
std::string message_for(const char* name, const char* patch) {
  const TemporaryFolder folder;
  const std::string file = (folder / "tokenizer.json").string();
  std::ofstream(file) << fixture(name).patch(Json::parse(patch)).dump();
  try {
    Tokenizer::load(folder.path());
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    REQUIRE(message.starts_with(file));
    return message.substr(file.size());
  }
  return "no error";
}

Json bpe(Json vocabulary, Json merges, Json more = Json::object()) {
  Json model = {{"type", "BPE"}, {"vocab", std::move(vocabulary)}, {"merges", std::move(merges)}};
  model.update(more);
  return {{"version", "1.0"}, {"model", model}};
}

Json unigram(const char* vocabulary) { return {{"version", "1.0"}, {"model", {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", Json::parse(vocabulary)}}}}; }

}  // namespace

TEST_CASE("pairs merge by rank, the first place first") {
  const Tokenizer tokenizer = load(bpe({{"a", 0}, {"b", 1}, {"aa", 2}, {"ab", 3}, {"aab", 4}}, {"a a", "a b", "aa b"}));
  CHECK(ids(tokenizer, "aaab") == Ids{2, 3});
  CHECK(ids(tokenizer, "aab") == Ids{4});
  CHECK(ids(tokenizer, "bab") == Ids{1, 3});
  CHECK(ids(tokenizer, "xaxb") == Ids{3});  // Without an unknown token unknown characters are nothing.
}

TEST_CASE("a long word merges like short ones") {
  // 33 characters and more wait in a queue; pairs that never merge across "c" make short words of it.
  const Tokenizer tokenizer =
      load(bpe({{"a", 0}, {"b", 1}, {"c", 2}, {"aa", 3}, {"ab", 4}, {"aab", 5}, {"aaaa", 6}, {"ba", 7}}, {"a a", "a b", "aa b", "aa aa", "b a"}));
  const std::vector<std::string> parts{"aaabab", "babaab", "aaaaaaaab", "bbaa", "a", "abaabaaab"};
  std::string word;
  Ids expected;
  for (int i = 0; i < 60; ++i) {
    const std::string& part = parts[static_cast<size_t>(i * i) % parts.size()];
    const Ids part_ids = ids(tokenizer, part);
    word += part + "c";
    expected.insert(expected.end(), part_ids.begin(), part_ids.end());
    expected.push_back(2);
  }
  CHECK(ids(tokenizer, word) == expected);
}

TEST_CASE("unknown characters of BPE become what the model says") {
  const Json vocabulary = {{"<unk>", 0}, {"a", 1}, {"<0xC3>", 2}, {"<0xA9>", 3}};
  CHECK(ids(load(bpe(vocabulary, Json::array(), {{"unk_token", "<unk>"}})), "xxaxx") == Ids{0, 0, 1, 0, 0});
  CHECK(ids(load(bpe(vocabulary, Json::array(), {{"unk_token", "<unk>"}, {"fuse_unk", true}})), "xxaxx") == Ids{0, 1, 0});
  CHECK(ids(load(bpe(vocabulary, Json::array(), {{"unk_token", "<unk>"}, {"byte_fallback", true}})), "a\u00e9") == Ids{1, 2, 3});
  // As in `tokenizers`, where bytes overtake unknown characters.
  CHECK(ids(load(bpe(vocabulary, Json::array(), {{"unk_token", "<unk>"}, {"byte_fallback", true}})), "x\u00e9") == Ids{2, 3, 0});
}

TEST_CASE("words are cut at SentencePiece's mark only where no pair merges across it") {
  Json vocabulary = {{"a", 0}, {"b", 1}, {"\u2581", 2}, {"\u2581a", 3}, {"\u2581\u2581", 4}, {"ab", 5}};
  const Tokenizer cut = load(bpe(vocabulary, {"\u2581 \u2581", "\u2581 a", "a b"}));
  CHECK(ids(cut, "a\u2581ab\u2581\u2581a\u2581") == Ids{0, 3, 1, 4, 0, 2});
  vocabulary["a\u2581"] = 6;
  const Tokenizer whole = load(bpe(vocabulary, {"a \u2581", "\u2581 \u2581", "\u2581 a", "a b"}));
  CHECK(ids(whole, "a\u2581ab\u2581\u2581a\u2581") == Ids{6, 5, 4, 6});
}

TEST_CASE("a word that is a token stays one where merges are ignored") {
  const Json vocabulary = {{"a", 0}, {"b", 1}, {"ab", 2}};
  CHECK(ids(load(bpe(vocabulary, Json::array())), "ab") == Ids{0, 1});
  CHECK(ids(load(bpe(vocabulary, Json::array(), {{"ignore_merges", true}})), "ab") == Ids{2});
}

TEST_CASE("of all ways to write a word the highest sum of scores counts") {
  const Tokenizer tokenizer = load(unigram(R"([["<unk>", 0], ["a", -1], ["b", -1.5], ["ab", -2], ["abc", -9], ["c", -3], ["bc", -4]])"));
  CHECK(ids(tokenizer, "ab") == Ids{3});
  CHECK(ids(tokenizer, "abc") == Ids{1, 6});  // -5, as are "ab" and "c"; it was found first.
  CHECK(ids(tokenizer, "axxb") == Ids{1, 0, 2});
}

TEST_CASE("of tokens that are the same the last counts") { CHECK(ids(load(unigram(R"([["<unk>", 0], ["a", -1], ["a", -2]])")), "a") == Ids{2}); }

TEST_CASE("numbers are read as serde_json reads them") {
  CHECK(lmtx::detail::serde_number("0") == 0);
  CHECK(lmtx::detail::serde_number("-2.5") == -2.5);
  CHECK(lmtx::detail::serde_number("1e3") == 1000);
  CHECK(lmtx::detail::serde_number("12.5E-1") == 1.25);
  CHECK(lmtx::detail::serde_number("123456789012345678901234567890") == 12345678901234567890.0 * 1e10);
  // 2^53 + 1 digits' worth: the significand is rounded first, then divided.
  CHECK(lmtx::detail::serde_number("-9.6321699619293213") == -(96321699619293213.0 / 1e16));
  CHECK(lmtx::detail::serde_number("1e-400") == 0);
}

TEST_CASE("base64 is decoded") {
  CHECK(lmtx::detail::decode_base64("bG10eA==") == "lmtx");
  CHECK(lmtx::detail::decode_base64("bG10eCE=") == "lmtx!");
  CHECK(lmtx::detail::decode_base64("") == "");
  CHECK_FALSE(lmtx::detail::decode_base64("bG10e"));
  CHECK_FALSE(lmtx::detail::decode_base64("bG1*"));
}

TEST_CASE("text that is UTF-8 is not copied") {
  std::string buffer;
  const std::string text = "plain \u00e9 \ufffd \U0001f600 and on";
  CHECK(lmtx::detail::valid_utf8(text, buffer).data() == text.data());
  CHECK(lmtx::detail::valid_utf8("a\xff longer text \xe6\xbc and\xed\xa0\x80", buffer) == "a\ufffd longer text \ufffd and\ufffd");
}

TEST_CASE("invalid bytes are U+FFFD for every kind of tokenizer") {
  for (const char* name : {"roberta", "modernbert", "xlm-roberta", "bge-m3", "sentencepiece-bpe"}) {
    const Tokenizer tokenizer = load(fixture(name));
    CHECK(ids(tokenizer, "a\xff b\xe6\xbc!") == ids(tokenizer, "a\ufffd b\ufffd!"));
  }
}

TEST_CASE("cutting gives the beginning for every kind of tokenizer") {
  for (const char* name : {"roberta", "modernbert", "xlm-roberta", "newly-converted", "sentencepiece-bpe"}) {
    const Tokenizer tokenizer = load(fixture(name));
    const Ids whole = ids(tokenizer, "To amend the Internal  Revenue <mask>[MASK] Code of 1986, caf\u00e9 \u6f22\u5b57");
    for (size_t length = 2; length < whole.size(); ++length) {
      Ids expected(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length) - 1);
      expected.push_back(whole.back());
      CHECK(ids(tokenizer, "To amend the Internal  Revenue <mask>[MASK] Code of 1986, caf\u00e9 \u6f22\u5b57", static_cast<int64_t>(length)) == expected);
    }
  }
}

TEST_CASE("what is not supported beside WordPiece is refused by name") {
  CHECK(message_for("roberta", R"([{"op": "add", "path": "/model/dropout", "value": 0.1}])") == ": `model`: `dropout` is 0.1, but only 0.0 is supported.");
  CHECK(message_for("roberta", R"([{"op": "add", "path": "/model/end_of_word_suffix", "value": "</w>"}])") ==
        ": `model`: `end_of_word_suffix` is \"</w>\", but only \"\" is supported.");
  CHECK(message_for("roberta", R"([{"op": "add", "path": "/model/continuing_subword_prefix", "value": "##"}])") ==
        ": `model`: `continuing_subword_prefix` is \"##\", but only \"\" is supported.");
  CHECK(message_for("roberta", R"([{"op": "replace", "path": "/normalizer", "value": {"type": "Nmt"}}])") ==
        ": `normalizer`: the type \"Nmt\" is not supported; \"NFC\", \"Lowercase\", \"Precompiled\", \"Replace\", \"Strip\", \"Prepend\" and a \"Sequence\" of "
        "these "
        "are.");
  CHECK(message_for("roberta", R"([{"op": "replace", "path": "/normalizer", "value": {"type": "Replace", "pattern": {"Regex": "[a-z]"}, "content": "x"}}])") ==
        ": `normalizer`: of a \"Replace\" the pattern \"[a-z]\" is not supported; a character, perhaps with + or {n,} behind it, is.");
  CHECK(message_for("roberta", R"([{"op": "replace", "path": "/pre_tokenizer", "value": {"type": "Split"}}])") ==
        ": `pre_tokenizer`: the type \"Split\" is not supported; \"ByteLevel\", \"Metaspace\", and \"Metaspace\" behind \"WhitespaceSplit\" are.");
  CHECK(message_for(
            "roberta",
            R"([{"op": "replace", "path": "/pre_tokenizer", "value": {"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel"}]}}])") ==
        ": `pre_tokenizer`: the sequence of Digits, ByteLevel is not supported; \"WhitespaceSplit\" before \"Metaspace\" is.");
  CHECK(message_for("bge-m3", R"([{"op": "replace", "path": "/pre_tokenizer/prepend_scheme", "value": "first"}])") ==
        ": `pre_tokenizer`: of a \"Metaspace\" the `prepend_scheme` \"first\" is not supported; \"always\" and \"never\" are.");
  CHECK(message_for("xlm-roberta", R"([{"op": "replace", "path": "/pre_tokenizer", "value": {"type": "ByteLevel"}}])") ==
        ": a \"ByteLevel\" `pre_tokenizer` is supported only before a \"BPE\" `model`.");
}

TEST_CASE("what is broken beside WordPiece is named") {
  CHECK(message_for("roberta", R"([{"op": "replace", "path": "/model/merges/0", "value": ["a", "nowhere"]}])") ==
        ": `model`: `merges`: the token \"nowhere\" of a merge is not in the vocabulary.");
  CHECK(message_for("roberta", R"([{"op": "replace", "path": "/model/merges/0", "value": "a"}])") == ": `model.merges` must be a list of pairs of tokens.");
  CHECK(message_for("roberta", R"([{"op": "replace", "path": "/model/vocab", "value": []}])") == ": `model`: `vocab` must give each token an id.");
  CHECK(message_for("roberta", R"([{"op": "add", "path": "/model/unk_token", "value": "nowhere"}])") ==
        ": `model`: the unknown token \"nowhere\" is not in `vocab`.");
  CHECK(message_for("xlm-roberta", R"([{"op": "replace", "path": "/model/vocab/7", "value": ["a"]}])") ==
        ": `model.vocab` must give each token an id, or list tokens with their scores.");
  CHECK(message_for("xlm-roberta", R"([{"op": "replace", "path": "/model/unk_id", "value": 100000}])")
            .starts_with(": `model`: `unk_id` must be the place of one of the "));
  CHECK(message_for("xlm-roberta", R"([{"op": "remove", "path": "/model/unk_id"}])") == ": `model`: `unk_id` is missing.");
  CHECK(message_for("xlm-roberta", R"([{"op": "replace", "path": "/normalizer/precompiled_charsmap", "value": "AAAA"}])") ==
        ": `normalizer`: `precompiled_charsmap`: the map of characters is broken.");
  CHECK(message_for("xlm-roberta", R"([{"op": "replace", "path": "/normalizer/precompiled_charsmap", "value": "A"}])") ==
        ": `normalizer`: `precompiled_charsmap` is no base64.");
}
