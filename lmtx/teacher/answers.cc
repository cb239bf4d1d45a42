#include "lmtx/teacher/answers.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace lmtx {

namespace {

// Tokens that answer must have at least this share of the probability together.
constexpr double least_mass = 1e-3;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The length of what stands at the front of `text` and is neither letter nor digit: punctuation, white space, a tokenizer's mark of a word's start or a line's
// end. 0 for none. Other characters beyond ASCII count as letters, so that a word of another script is never read as part of an answer.
size_t mark_length(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte < 0x80) return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || is_digit(text[0]) ? 0 : 1;
  for (const std::string_view mark : {"\u2581", "\u0120", "\u010a", "\u00a0", "\u3000", "\ufeff", "\u00ab", "\u00bb", "\u2018", "\u2019", "\u201c", "\u201d",
                                      "\u201e", "\u2022", "\u2013", "\u2014", "\u2026", "\u3001", "\u3002", "\uff01", "\uff08", "\uff09", "\uff0c", "\uff1a"}) {
    if (text.starts_with(mark)) return mark.size();
  }
  return 0;
}

std::string_view trim_front(std::string_view text) {
  while (!text.empty() && mark_length(text) > 0) text.remove_prefix(mark_length(text));
  return text;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

// What a word says: 1 for yes, 0 for no, ninths for a digit.
std::optional<double> score_of_word(std::string_view word, AnswerKind kind) {
  if (kind == AnswerKind::scale) return word.size() == 1 && is_digit(word[0]) ? std::optional((word[0] - '0') / 9.0) : std::nullopt;
  const std::string answer = lower(word);
  if (answer == "yes") return 1;
  return answer == "no" ? std::optional(0.0) : std::nullopt;
}

// Takes the first run of letters and digits, or the number with its decimals, off `text`.
std::string_view take_word(std::string_view& text) {
  text = trim_front(text);
  const bool is_number = !text.empty() && is_digit(text[0]);
  const auto goes_on = [&](std::string_view rest) {
    if (!is_number) return mark_length(rest) == 0;
    return is_digit(rest[0]) || ((rest[0] == '.' || rest[0] == ',') && rest.size() > 1 && is_digit(rest[1]));
  };
  size_t length = 0;
  while (length < text.size() && goes_on(text.substr(length))) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

// The one word that a token is; empty where it is more.
std::string_view only_word(std::string_view token) {
  const std::string_view word = take_word(token);
  return trim_front(token).empty() ? word : std::string_view();
}

// Behind what a model thought aloud; empty where it did not come to an end.
std::string_view behind_thoughts(std::string_view text) {
  const size_t begin = text.find("<think>"), end = text.rfind("</think>");
  if (end != std::string_view::npos) return text.substr(end + std::string_view("</think>").size());
  return begin == std::string_view::npos ? text : std::string_view();
}

// Whether a whole word of the rest of the line answers otherwise ("yes and no").
bool contradicts(std::string_view rest, double answer, AnswerKind kind) {
  if (kind == AnswerKind::scale) return false;
  rest = rest.substr(0, rest.find('\n'));
  while (!rest.empty()) {
    const auto other = score_of_word(take_word(rest), kind);
    if (other && *other != answer) return true;
  }
  return false;
}

std::optional<double> score_of_line(std::string_view text, AnswerKind kind) {
  std::string_view word = take_word(text);
  if (lower(word) == "answer") word = take_word(text);
  const auto answer = score_of_word(word, kind);
  return answer && contradicts(text, *answer, kind) ? std::nullopt : answer;
}

// The whole number that a line of a list begins with, taken off it; 0 for none.
size_t take_number(std::string_view& line) {
  const std::string_view word = take_word(line);
  const bool is_number = !word.empty() && word.size() < 9 && std::all_of(word.begin(), word.end(), is_digit);
  if (!is_number || line.empty() || mark_length(line) == 0) return 0;
  return std::stoul(std::string(word));
}

}  // namespace

std::optional<double> score_of(std::span<const TokenLogprob> tokens, AnswerKind kind) {
  double mass = 0, expected = 0;
  for (const TokenLogprob& token : tokens) {
    const auto score = score_of_word(only_word(token.token), kind);
    if (!score || !(token.logprob <= 1e-6)) continue;
    const double probability = std::exp(token.logprob);
    mass += probability;
    expected += probability * *score;
  }
  if (mass < least_mass) return std::nullopt;
  return std::clamp(expected / mass, 0.0, 1.0);
}

std::optional<double> score_of(std::string_view text, AnswerKind kind) { return score_of_line(behind_thoughts(text), kind); }

std::vector<ListedAnswer> answers_of_list(std::string_view text, size_t num_labels, AnswerKind kind) {
  std::vector<ListedAnswer> answers(num_labels);
  text = behind_thoughts(text);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t number = take_number(line);
    if (number == 0 || number > num_labels) continue;
    const auto score = score_of_line(line, kind);
    ListedAnswer& answer = answers[number - 1];
    answer.score = answer.listed && answer.score != score ? std::nullopt : score;
    answer.listed = true;
  }
  return answers;
}

}  // namespace lmtx
