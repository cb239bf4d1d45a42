// What a language model said, read strictly: a score, or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/prompt.h"
#include "lmtx/teacher/verdict.h"

namespace lmtx {

// A token that a model could have said first, and how likely it was.
struct TokenLogprob {
  std::string token;
  // Natural logarithm of its probability.
  double logprob = 0;
};

// P(yes) / (P(yes) + P(no)), each summed over spellings: upper and lower case, white space and punctuation around them, marks of word starts (U+2581, U+0120).
// With AnswerKind::scale the expected digit over the tokens that are one, a ninth of it. Unset where the tokens that answer have less than 0.1 % of the
// probability together: this model was about to say something else.
LMTX_API std::optional<double> score_of(std::span<const TokenLogprob> tokens, AnswerKind kind = AnswerKind::yes_no);

// The answer that a text is: its first word, after what stands between <think> and </think>, must be yes or no (a single digit with AnswerKind::scale), in any
// case and within any punctuation; "Answer:" may stand before it. "Unknown", "not sure", "yes and no" and an empty text are none: unset.
LMTX_API std::optional<double> score_of(std::string_view text, AnswerKind kind = AnswerKind::yes_no);

// The answer for one label out of a list.
struct ListedAnswer {
  // Whether the text has a line for it.
  bool listed = false;
  // Unset where the line is no answer, or two lines differ.
  std::optional<double> score = {};
};

// The answers of a text that has a line "number: answer" for each of `num_labels` labels, numbered from 1, in any order. Lines with other numbers count for
// nothing.
LMTX_API std::vector<ListedAnswer> answers_of_list(std::string_view text, size_t num_labels, AnswerKind kind = AnswerKind::yes_no);

}  // namespace lmtx
