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
// With AnswerKind::scale the expected number over the tokens that are one of 0 to 10, a tenth of it. Unset where the tokens that answer have less than 0.1 % of the
// probability together: this model was about to say something else.
LMTX_API std::optional<double> score_of(std::span<const TokenLogprob> tokens, AnswerKind kind = AnswerKind::yes_no);

// The answer that a text is: its first word, after what stands between <think> and </think>, must be yes or no (a number from 0 to 10 with AnswerKind::scale), in any case
// and within any punctuation. "Unknown", "not sure", "yes and no" and an empty text are none: unset.
LMTX_API std::optional<double> score_of(std::string_view text, AnswerKind kind = AnswerKind::yes_no);

// The answers of a text that has a line "number: answer" for each of `num_labels` labels, numbered from 1, in any order; unset where a label has no line, two that differ,
// or one that is no answer. Lines with other numbers count for nothing.
LMTX_API std::vector<std::optional<double>> scores_of_list(std::string_view text, size_t num_labels, AnswerKind kind = AnswerKind::yes_no);

}  // namespace lmtx
