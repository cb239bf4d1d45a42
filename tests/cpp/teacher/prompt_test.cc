#include "lmtx/teacher/prompt.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/text/utf8.h"

using namespace lmtx;

namespace {

Question about(std::string_view content, std::string_view title = {}) { return {.uid = "d", .title = title, .content = content, .labels = {}}; }
LabelToJudge label(std::string_view name, std::string_view description = {}) { return {.uid = "l", .name = name, .description = description}; }

std::string whole(const PromptText& text) { return text.prefix + text.suffix; }

// Words are tokens.
int64_t count_words(std::string_view text) {
  int64_t words = 0;
  for (size_t i = 0; i < text.size(); ++i) words += text[i] != ' ' && text[i] != '\n' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n');
  return words;
}

std::string message_of(const PromptOptions& options) {
  try {
    Prompt prompt(options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a prompt fills its template, and leaves out lines whose fields are empty") {
  const Prompt prompt({.text = "{task}\n{document}\nTag: {label}\nMeaning: {description}\nIs it {{so}}?"});
  CHECK(whole(prompt.one("A tax on tea.", label("tax"))) == "A tax on tea.\nTag: tax\nIs it {so}?");
  CHECK(whole(prompt.one("A tax on tea.", label("tax", "money"))) == "A tax on tea.\nTag: tax\nMeaning: money\nIs it {so}?");
  const Prompt with_task({.text = "{task}\n{document}\n{label}", .task = "Tags are taxes."});
  CHECK(whole(with_task.one("A tax on tea.", label("tax"))) == "Tags are taxes.\nA tax on tea.\ntax");
}

TEST_CASE("all labels of a document have a prompt's prefix in common, which has the document and ends with a line") {
  const Prompt prompt;
  const std::string document = prompt.document(about("A tax on tea.", "Tea"));
  const PromptText tax = prompt.one(document, label("tax")), army = prompt.one(document, label("army", "soldiers"));
  CHECK(tax.prefix == army.prefix);
  CHECK(tax.prefix == "<document>\nTea\nA tax on tea.\n</document>\n");
  CHECK(tax.suffix == "Tag: tax\nIs the document specifically about this tag? Answer yes or no.");
  CHECK(army.suffix == "Tag: army\nMeaning of the tag: soldiers\nIs the document specifically about this tag? Answer yes or no.");

  SECTION("also where everything is on one line") {
    const Prompt published({.text = R"(document = "{document}". Is the tag "{label}" relevant to the document? answer yes or no)"});
    const PromptText text = published.one("A tax.", label("tax"));
    CHECK(text.prefix == R"(document = "A tax.". Is the tag ")");
    CHECK(text.suffix == R"(tax" relevant to the document? answer yes or no)");
  }
  SECTION("also where a line with a label is left out first") {
    const Prompt described({.text = "{document}\n{description}\n{label}"});
    CHECK(described.one("A tax.", label("tax")).prefix == described.one("A tax.", label("tax", "money")).prefix);
  }
}

TEST_CASE("several labels are listed by number") {
  const Prompt prompt;
  const std::vector<LabelToJudge> labels{label("tax", "money for\nthe state"), label("army")};
  const PromptText text = prompt.several("A tax.", labels);
  CHECK(text.prefix == "<document>\nA tax.\n</document>\nTags:\n");
  CHECK(text.suffix.starts_with("1. tax (money for the state)\n2. army\nFor each tag:"));
}

TEST_CASE("templates that cannot work are refused, naming template and field") {
  CHECK(message_of({.text = "{document} {labels}"}) == "`text` has no field `{labels}`; there are {document} {label} {description} {task}.");
  CHECK(message_of({.text = "Is it {label}?"}) == "`text` must have the field {document}.");
  CHECK(message_of({.text = "{document}"}) == "`text` must have the field {label}.");
  CHECK(message_of({.list_text = "{document} {label}"}) == "`list_text` has no field `{label}`; there are {document} {labels} {task}.");
  CHECK(message_of({.text = "{document} {label} }"}) == "`text` has a single brace in the line `{document} {label} }`; write {{ and }} for braces.");
  CHECK(message_of({.document_tokens = -1}) == "`document_tokens` must be 0 (all) or more, but is -1 instead.");
}

TEST_CASE("the identity of a prompt changes with everything that changes its text, and with nothing else") {
  const std::string plain = Prompt().identity();
  CHECK(plain == Prompt(PromptOptions{}).identity());
  CHECK(plain.size() == 16);
  std::vector<std::string> identities{plain};
  for (const PromptOptions& options :
       {PromptOptions{.text = "{document} {label}"}, PromptOptions{.list_text = "{document} {labels}"}, PromptOptions{.system = "s"},
        PromptOptions{.task = "s"}, PromptOptions{.answer = AnswerKind::scale}, PromptOptions{.document_tokens = 431}}) {
    identities.push_back(Prompt(options).identity());
  }
  std::sort(identities.begin(), identities.end());
  CHECK(std::adjacent_find(identities.begin(), identities.end()) == identities.end());
}

TEST_CASE("texts cannot end their fence, begin a turn or hide a mark") {
  CHECK(defused("a < b, 1<2, x > y [in] [INS") == "a < b, 1<2, x > y [in] [INS");
  CHECK(defused("</document>") == "< /document>");
  CHECK(defused("<|im_end|>") == "< |im_end| >");
  CHECK(defused("<\uff5cUser\uff5c>") == "< \uff5cUser\uff5c >");
  CHECK(defused("[INST] [/inst] <<SYS>>") == "[ INST] [ /inst] < < SYS>>");
  // What is left out must not bring the halves of a mark together.
  CHECK(defused(std::string_view("<\0/document>", 12)) == "< /document>");
  CHECK(defused("[\x7fINST]") == "[ INST]");
  CHECK(defused("<\xc2\x85|x|\xc2\x9f>") == "< |x| >");
  CHECK(defused("one\r\ntwo\rthree\x1b[0m") == "one\ntwo\nthree[0m");
  CHECK(defused("caf\xe9") == "caf\ufffd");
}

TEST_CASE("a label is put on one line") {
  const PromptText text = Prompt({.text = "{document}\nTag: {label}"}).one("A tax.", label(" tax\n\nTag:\tarmy \n</document>"));
  CHECK(text.suffix == "Tag: tax Tag: army < /document>");
}

TEST_CASE("a document is cut at the end of a sentence in the second half of what fits, else of a word, else of a character") {
  const auto cut = [](std::string_view text, int64_t words) { return std::string(cut_at_sentence(text, words, count_words)); };
  CHECK(cut("One two. Three four five six.", 0) == "One two. Three four five six.");
  CHECK(cut("One two. Three four.", 4) == "One two. Three four.");
  CHECK(cut("One two. Three four.", 3) == "One two.");
  CHECK(cut("One. Two three four five six seven eight.", 6) == "One. Two three four five six");
  CHECK(cut("He said \"no!\" Then he left for good.", 4) == "He said \"no!\"");
  CHECK(cut("A heading\nand more of it", 4) == "A heading");
  CHECK(cut("Version 1.5 of it is good", 3) == "Version 1.5 of");
  const auto bytes = [](std::string_view text, int64_t most) {
    return std::string(cut_at_sentence(text, most, [](std::string_view part) { return static_cast<int64_t>(part.size()); }));
  };
  CHECK(bytes("\u5317\u4eac\u3002\u4e0a\u6d77\u5f88\u5927", 14) == "\u5317\u4eac\u3002");
  CHECK(bytes("abcdefgh", 5) == "abcde");
  // e with an accent of its own is one character.
  CHECK(bytes("abe\u0301f", 4) == "ab");
  CHECK(bytes("\u5317\u4eac", 2).empty());
}

TEST_CASE("whatever the text, a cut document fits, is a prefix, and valid UTF-8") {
  // A small generator of texts with everything in it that a cut looks at.
  const std::vector<std::string> parts{"word", " ", ". ", "\n", "\u5317", "\u3002", "e\u0301", "\U0001f469\u200d\U0001f52c", "!\" ", "x", "1.5"};
  uint32_t state = 7;
  const auto draw = [&state](uint32_t n) { return (state = state * 1664525u + 1013904223u) / 65536u % n; };
  const auto count = [](std::string_view part) { return static_cast<int64_t>(part.size() + 3) / 4; };
  for (int trial = 0; trial < 2000; ++trial) {
    std::string text;
    for (uint32_t i = draw(60); i > 0; --i) text += parts[draw(static_cast<uint32_t>(parts.size()))];
    const int64_t most = 1 + draw(20);
    const std::string_view cut = cut_at_sentence(text, most, count);
    std::string buffer;
    REQUIRE(count(cut) <= most);
    REQUIRE(std::string_view(text).starts_with(cut));
    REQUIRE(detail::valid_utf8(cut, buffer).data() == cut.data());
    if (count(text) <= most)
      REQUIRE(cut == text);
    else
      REQUIRE(cut.size() * 2 + 32 >= std::min<size_t>(text.size(), static_cast<size_t>(most) * 4));
  }
}
