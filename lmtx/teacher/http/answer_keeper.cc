#include "lmtx/teacher/http/answer_keeper.h"

#include <stdexcept>
#include <utility>

namespace lmtx::http {

AnswerKeeper::AnswerKeeper(Shared& shared, std::span<const Question> questions, AnswerSink& answers, std::function<void()> on_kept)
    : shared_(shared), questions_(questions), answers_(answers), on_kept_(std::move(on_kept)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

void AnswerKeeper::push(Job job, Response response) { push({.job = std::move(job), .response = std::move(response), .verdict = {}}); }

void AnswerKeeper::push(Job job, const Verdict& verdict) {
  Waiting waiting{.job = std::move(job)};
  waiting.verdict = verdict;
  push(std::move(waiting));
}

void AnswerKeeper::push(Waiting waiting) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(waiting));
  changed_.notify_one();
}

std::vector<Kept> AnswerKeeper::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(kept_, {});
}

void AnswerKeeper::finish() {
  thread_.request_stop();
  thread_.join();
}

std::exception_ptr AnswerKeeper::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void AnswerKeeper::work(const std::stop_token& stop) {
  while (auto waiting = next(stop)) {
    std::optional<Kept> kept;
    std::exception_ptr error;
    try {
      kept = keep(std::move(*waiting));
    } catch (...) {
      error = std::current_exception();
    }
    bool news = true;
    {
      const std::lock_guard lock(mutex_);
      news = kept_.empty();
      if (kept) kept_.push_back(std::move(*kept));
      error_ = error;
    }
    if (news || error) on_kept_();
    if (error) return;
  }
}

// None when the end is asked for and nothing waits any more.
std::optional<AnswerKeeper::Waiting> AnswerKeeper::next(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [this] { return !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  Waiting waiting = std::move(waiting_.front());
  waiting_.pop_front();
  return waiting;
}

Kept AnswerKeeper::keep(Waiting waiting) {
  if (!waiting.verdict) return read(std::move(waiting.job), waiting.response);
  const std::vector<Verdict> verdicts(waiting.job.request.labels.size(), *waiting.verdict);
  put(waiting.job, waiting.job.request.labels, verdicts, {}, "");
  return {.job = std::move(waiting.job)};
}

Kept AnswerKeeper::read(Job job, const Response& response) {
  ChatAnswer answer;
  try {
    answer = shared_.protocol_for(job.logprobs).read(job.request, response.body);
  } catch (const std::runtime_error& error) {
    Ruling ruling = unreadable(error.what(), shared_.secrets);
    shared_.gate.unreadable(ruling, now());
    return {.job = std::move(job), .responded = true, .ruling = std::move(ruling)};
  }
  shared_.gate.answered(now());
  shared_.gate.correct(job.tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens, now());
  answer.usage.seconds = response.seconds;
  answer.usage.cost = shared_.cost_of(answer.usage);
  shared_.statistics.add(&HttpStats::answers);
  shared_.statistics.add(answer.usage);
  if (answer.no_logprobs) {
    shared_.statistics.add(&HttpStats::without_logprobs);
    shared_.statistics.note("The server leaves log-probabilities out of answers: their text is read, and scores are 0 or 1.");
  }

  Kept kept{.job = std::move(job), .responded = true};
  std::vector<size_t> labels;
  std::vector<Verdict> verdicts;
  for (size_t i = 0; i < answer.verdicts.size(); ++i) {
    const size_t label = kept.job.request.labels[i];
    // Asked about alone, too, and no answer: the teacher will not say.
    if (!answer.verdicts[i] && !kept.job.alone) {
      kept.left_out.push_back(label);
    } else {
      labels.push_back(label);
      verdicts.push_back(answer.verdicts[i].value_or(Verdict::abstain()));
    }
  }
  if (!labels.empty()) put(kept.job, labels, verdicts, answer.usage, shared_.options.keep_raw ? answer.text : "");
  return kept;
}

void AnswerKeeper::put(const Job& job, std::span<const size_t> labels, std::span<const Verdict> verdicts, const Usage& usage, const std::string& raw) {
  const Question& question = questions_[job.question];
  std::vector<LabelToJudge> part;
  for (const size_t label : labels) part.push_back(question.labels[label]);
  answers_.put({.uid = question.uid, .title = question.title, .content = question.content, .labels = part}, verdicts, usage, shared_.secrets.without(raw));
}

}  // namespace lmtx::http
