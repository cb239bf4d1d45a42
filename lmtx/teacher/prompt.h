// What a language model is asked: a template with named fields, and documents fenced in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

class Tokenizer;

// How a teacher is to answer.
enum class AnswerKind {
  // Yes or no; with log-probabilities the score is P(yes) / (P(yes) + P(no)).
  yes_no,
  // A digit from 0 (does not fit) to 9 (fits), which is one token to every model; the score is a ninth of it. For teachers that give no log-probabilities.
  scale,
};

// Templates have the fields {document}, {task} and, for one label, {label} and {description}, for several at once {labels}; {{ and }} are braces. A line all of
// whose fields are empty is left out.
struct PromptOptions {
  // Asks about one label; empty: the default for `answer`. What is before the first of {label} and {description} is the same for all labels of a document:
  // servers with a prefix cache compute it once, so the document belongs there.
  std::string text = {};
  // Asks about several labels, listed by number where {labels} stands; empty: the default for `answer`.
  std::string list_text = {};
  // Sent as the system message of a chat, put before the text of a completion.
  std::string system = {};
  // What the labels are and when one fits, in a sentence or two.
  std::string task = {};
  AnswerKind answer = AnswerKind::yes_no;
  // Tokens of a document that are shown at most, cut at the end of a sentence where there is one in the second half; 0: all.
  int64_t document_tokens = 430;
};

// A prompt in two parts: prefix + suffix is the text, and all labels of a document have the prefix in common.
struct PromptText {
  std::string prefix;
  std::string suffix;
};

// Immutable; const methods may be called from several threads.
class LMTX_API Prompt {
 public:
  // Texts are counted and cut in tokens of `tokenizer`; without one (null), a token is taken for four bytes. Throws std::invalid_argument naming the template
  // and the field that is unknown or lacking (both need {document}; `text` needs {label}, `list_text` {labels}).
  explicit Prompt(PromptOptions options = {}, std::shared_ptr<const Tokenizer> tokenizer = nullptr);

  const PromptOptions& options() const { return options_; }
  // 16 hexadecimal digits over all that makes the text: templates, task, cut, and what counts tokens.
  const std::string& identity() const { return identity_; }

  // A question's document as prompts show it: title and content on lines of their own, cut and defused().
  std::string document(const Question& question) const;

  // The text about one label of a document, and about several, listed under the numbers 1, 2, …; `document` as document() gave it. What documents and labels
  // say is data and reads as nothing else: labels are put on one line and defused(), too.
  PromptText one(std::string_view document, const LabelToJudge& label) const;
  PromptText several(std::string_view document, std::span<const LabelToJudge> labels) const;

  // Tokens of a text, without special tokens.
  int64_t count_tokens(std::string_view text) const;

 private:
  struct Template;
  std::string make_identity() const;

  PromptOptions options_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<const Template> one_, several_;
  std::string identity_;
};

// `text` with spaces put in so that nothing in it reads as a tag or a chat template's mark: no '<' is directly before a letter, '/', '<' or a bar, no bar
// before '>', and no '[' before a bar, "INST" or "/INST", whatever the case, or a word with two capitals and ']'. Control characters other than line ends and
// tabs are left out; bytes that are no UTF-8 become U+FFFD.
LMTX_API std::string defused(std::string_view text);

// The first part of `text`, valid UTF-8, that has at most `max_tokens` tokens as `count` has them: up to the last end of a sentence in the second half of what
// fits (. ! ? … and their like with quotes and brackets that follow, before white space; a line's end), else of a word there, else of a character. `count` is
// called some twenty times, on no more than 64 bytes a token.
LMTX_API std::string_view cut_at_sentence(std::string_view text, int64_t max_tokens, const std::function<int64_t(std::string_view)>& count);

}  // namespace lmtx
