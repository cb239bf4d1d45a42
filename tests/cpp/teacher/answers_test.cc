#include "lmtx/teacher/answers.h"

#include <cmath>
#include <string>
#include <vector>

#include "catch.h"

using namespace lmtx;

namespace {

TokenLogprob token(std::string text, double probability) { return {std::move(text), std::log(probability)}; }

// 1 yes, 0 no, -1 none.
double read(std::string_view text, AnswerKind kind = AnswerKind::yes_no) { return score_of(text, kind).value_or(-1); }

}  // namespace

TEST_CASE("the score is yes over yes and no, all spellings added up") {
  const std::vector<TokenLogprob> tokens{token("Yes", 0.3), token(" yes", 0.1),   token("\u2581YES", 0.1), token("\u0120yes.", 0.05),
                                         token("No", 0.2),  token("**no**", 0.1), token("Maybe", 0.1)};
  CHECK(*score_of(tokens) == Approx(0.55 / 0.85).epsilon(1e-12));
}

TEST_CASE("tokens that are no answer count for nothing") {
  for (const char* other : {"Yesterday", "None", "not", "y", "", " ", "yes no", "\u5317yes", "1"}) {
    const std::vector<TokenLogprob> tokens{token("no", 0.1), token(other, 0.9)};
    CHECK(score_of(tokens) == 0.0);
  }
}

TEST_CASE("a model that was about to say something else says nothing") {
  const std::vector<TokenLogprob> tokens{token("The", 0.99), token("yes", 0.0005), token("no", 0.0004)};
  CHECK_FALSE(score_of(tokens));
  CHECK_FALSE(score_of(std::vector<TokenLogprob>{}));
  // Broken numbers.
  CHECK_FALSE(score_of(std::vector<TokenLogprob>{{"yes", std::nan("")}, {"no", 5}}));
}

TEST_CASE("on the scale the score is the expected digit") {
  const std::vector<TokenLogprob> tokens{token("9", 0.5), token(" 6", 0.25), token("0", 0.25), token("10", 0.1)};
  CHECK(*score_of(tokens, AnswerKind::scale) == Approx((9 * 0.5 + 6 * 0.25) / 9).epsilon(1e-12));
}

TEST_CASE("texts are read strictly") {
  for (const char* yes : {"yes", "Yes.", " YES, it is", "**Yes**", "\"yes\"", "Answer: yes", "\u201cYes\u201d", "<think>no, not at all: no</think>\nYes",
                          "{\"answer\": \"yes\"}", "Yes\nno"}) {
    CAPTURE(yes);
    CHECK(read(yes) == 1);
  }
  for (const char* no : {"no", "No, not specifically.", "Answer: **No**", "- no"}) {
    CAPTURE(no);
    CHECK(read(no) == 0);
  }
  for (const char* none : {"", " ", "Unknown", "I do not know", "Note: yes", "not sure", "yes and no", "No. Or yes?", "yesno", "yes1", "<think>yes",
                           "The answer is yes", "\u5317\u4eac", "1"}) {
    CAPTURE(none);
    CHECK(read(none) == -1);
  }
}

TEST_CASE("digits are read strictly") {
  CHECK(read("7", AnswerKind::scale) == 7 / 9.0);
  CHECK(read("**9**/9", AnswerKind::scale) == 1);
  CHECK(read("Answer: 0", AnswerKind::scale) == 0);
  for (const char* none : {"10", "7.5", "-", "seven", "yes", ""}) CHECK(read(none, AnswerKind::scale) == -1);
}

TEST_CASE("answers of a list are found by their numbers, in any order") {
  const auto answers = answers_of_list("3: yes\n1. No\n- **2)** maybe\n7: yes\n0: yes\nyes\n4: yes\n4: no\n5 yes\n5: yes", 6);
  REQUIRE(answers.size() == 6);
  CHECK(answers[0].score == 0.0);
  CHECK((answers[1].listed && !answers[1].score));
  CHECK(answers[2].score == 1.0);
  // Two answers that differ are none; the same one twice is one.
  CHECK((answers[3].listed && !answers[3].score));
  CHECK(answers[4].score == 1.0);
  CHECK_FALSE(answers[5].listed);
}

TEST_CASE("three answers to one label that differ stay none, whichever comes last") {
  CHECK_FALSE(answers_of_list("1: yes\n1: no\n1: yes", 1)[0].score);
  CHECK_FALSE(answers_of_list("1: yes\n1: what\n1: what", 1)[0].score);
}

TEST_CASE("numbers of a list that are no numbers count for nothing") {
  for (const char* text : {"1yes", "1.5: yes", "999999999999999999999: yes", "one: yes", "-", "1", "\xff\xfe: yes"}) {
    CAPTURE(text);
    const auto answers = answers_of_list(text, 2);
    CHECK_FALSE(answers[0].score);
    CHECK_FALSE(answers[1].score);
  }
}
