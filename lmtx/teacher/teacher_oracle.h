// Judges whether labels fit documents: the extension point for LLMs, people and recordings.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>

#include "lmtx/export.h"
#include "lmtx/teacher/verdict.h"

namespace lmtx {

struct LabelToJudge {
  std::string_view uid;
  std::string_view name;
  std::string_view description;
};

// One document and the labels to be judged for it, in order. Views, alive during the call of judge() that they were given to.
struct Question {
  std::string_view uid;
  std::string_view title;
  std::string_view content;
  std::span<const LabelToJudge> labels;
};

// What one answer cost; 0 where unknown.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;
  // In the currency of the teacher's price list.
  double cost = 0;
  double seconds = 0;

  bool operator==(const Usage&) const = default;
};

LMTX_API Usage operator+(const Usage& a, const Usage& b);
LMTX_API Usage operator-(const Usage& a, const Usage& b);
// A share of it, counts rounded down.
LMTX_API Usage operator*(double share, const Usage& usage);

// Going on makes no sense (wrong key, server gone); what was answered before is kept.
class LMTX_API TeacherError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws std::invalid_argument, naming document and label, unless there is one verdict a label.
LMTX_API void check_verdicts(const Question& question, std::span<const Verdict> verdicts);

// Takes answers. May be called from any thread.
class LMTX_API AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  // verdicts[i] answers question.labels[i]; what is stored of it is in the store when put() returns. `question` may be a part of one that was asked: the same
  // document with some of its labels. `raw` is what the teacher said, word for word, where it is to be kept beside the verdicts.
  // Throws std::invalid_argument naming document and label for a list of another length, or a question that was not asked.
  virtual void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage = {}, std::string_view raw = {}) = 0;
  // Set when the run wants to end: return soon, what is open is asked next time.
  virtual std::stop_token stop() const = 0;
};

struct TeacherTraits {
  // Questions that one call of judge() likes to get; 0 means all there are.
  int64_t questions_per_call = 1;
  // Calls of judge() that may run at once; 1 means only on the thread that called run().
  int64_t concurrent_calls = 1;
};

class LMTX_API TeacherOracle {
 public:
  virtual ~TeacherOracle() = default;

  // Names everything that can change a verdict (model, prompt, cut, decoding). Judgments outlive the oracle and are reused
  // under this name, so it must change whenever a verdict might.
  virtual std::string identity() const = 0;

  // Answers questions through the sink, from any thread, in any order, in parts. What is not answered on return stays pending and is
  // asked again next time. Throws TeacherError when going on makes no sense; other exceptions pass through to whoever called run().
  virtual void judge(std::span<const Question> questions, AnswerSink& answers) = 0;

  virtual TeacherTraits traits() const { return {}; }

  // What answering `question` would come to, as far as can be told without asking: plans add it up. 0 where unknown; `cached_tokens` are those prompt tokens
  // that a server with a prefix cache need not compute. May be called from several threads, also while judge() runs.
  virtual Usage estimate(const Question& question) const;

  // What is to be done about questions that judge() left open, in a sentence or two, where they are answered elsewhere and later: a run then offers each
  // question once and ends with this advice. Empty where it is worth asking again at once.
  virtual std::string pending_advice() const { return {}; }
};

}  // namespace lmtx
