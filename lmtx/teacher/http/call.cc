#include "lmtx/teacher/http/call.h"

#include <algorithm>
#include <utility>

namespace lmtx::http {

namespace {

// Wakes the loop that waits for sockets.
class WakeOnStop {
 public:
  WakeOnStop(const std::stop_token& stop, Transport& transport) : callback_(stop, [&transport] { transport.wake(); }) {}

 private:
  std::stop_callback<std::function<void()>> callback_;
};

// The loop is woken when something happens; this is for what nobody announces.
constexpr double longest_wait = 1;

}  // namespace

Call::Call(Shared& shared, Transport& transport, std::span<const Question> questions, AnswerSink& answers)
    : shared_(shared),
      transport_(transport),
      questions_(questions),
      stop_(answers.stop()),
      lanes_(questions.size(), static_cast<size_t>(shared.options.max_concurrency), shared.options.warm_prefix,
             [this](size_t question) { return jobs_of(question); }),
      keeper_(shared, questions, answers, [&transport] { transport.wake(); }) {}

void Call::run() {
  const WakeOnStop wake_on_stop(stop_, transport_);
  for (take_kept(); !ended(); take_kept()) {
    stop_when_asked();
    if (!stopping_) start_requests();
    take_responses();
  }
  close();
}

bool Call::ended() {
  if (keeper_.error()) return true;
  if (stopping_) return in_flight_.empty() || now() >= *stopping_;
  return lanes_.done();
}

void Call::stop_when_asked() {
  if (!stopping_ && stop_.stop_requested()) stopping_ = after(now(), shared_.options.stop_seconds);
}

std::vector<Job> Call::jobs_of(size_t question) {
  const bool logprobs = wants_logprobs();
  std::vector<ChatRequest> requests = shared_.protocol_for(logprobs).requests(questions_[question]);
  // Counting tokens takes time.
  const Usage usage = shared_.options.tokens_per_minute > 0 ? shared_.protocol.estimate(questions_[question]) : Usage{};
  const int64_t tokens = (usage.prompt_tokens + usage.completion_tokens) / std::max<int64_t>(1, static_cast<int64_t>(requests.size()));
  std::vector<Job> jobs;
  for (ChatRequest& request : requests) jobs.push_back(make_job(question, std::move(request), tokens, logprobs));
  return jobs;
}

bool Call::wants_logprobs() const { return shared_.protocol.options().top_logprobs > 0 && !shared_.without_logprobs; }

Job Call::make_job(size_t question, ChatRequest request, int64_t tokens, bool logprobs) {
  return {.number = ++num_jobs_, .question = question, .request = std::move(request), .tokens = tokens, .logprobs = logprobs};
}

void Call::ask_for_text(Job& job) const {
  job.request = shared_.protocol.without_logprobs(questions_[job.question], job.request);
  job.logprobs = false;
}

void Call::start_requests() {
  const TimePoint time = now();
  next_entry_ = after(time, longest_wait);
  while (const Job* next = lanes_.next(time)) {
    if (const auto later = shared_.gate.enter(next->tokens, time)) {
      next_entry_ = *later;
      return;
    }
    ++num_entered_;
    Job job = lanes_.take();
    if (job.logprobs && shared_.without_logprobs) ask_for_text(job);
    shared_.statistics.add(&HttpStats::requests);
    transport_.start(job.number, job.request.body);
    in_flight_.emplace(job.number, std::move(job));
  }
}

// How long there is nothing to do unless something comes.
double Call::patience() {
  TimePoint until = stopping_ ? *stopping_ : next_entry_;
  if (const auto due = lanes_.next_due(); due && !stopping_) until = std::min(until, *due);
  return std::clamp(seconds_between(now(), until), 0.0, longest_wait);
}

void Call::take_responses() {
  for (Response& response : transport_.wait(patience())) {
    auto job = in_flight_.extract(response.request);
    rule(std::move(job.mapped()), std::move(response));
  }
}

void Call::rule(Job job, Response response) {
  const Ruling ruling = rule_on(response, job.logprobs, shared_.secrets);
  if (ruling.step == Step::read) {
    // It keeps its place until the answer is put: no more answers than there are places are lost when the process is killed.
    lanes_.come_back(job, /*answered=*/true);
    keeper_.push(std::move(job), std::move(response));
    return;
  }
  --num_entered_;
  shared_.gate.leave_failed(ruling, response.began, now());
  shared_.statistics.add(ruling);
  lanes_.come_back(job, /*answered=*/ruling.step == Step::refuse);
  follow(std::move(job), ruling);
}

void Call::follow(Job job, const Ruling& ruling) {
  switch (ruling.step) {
    case Step::give_up:
      give_up(ruling.reason);
      return;
    case Step::refuse:
      keeper_.push(std::move(job), ruling.verdict);
      break;
    case Step::without_logprobs:
      shared_.without_logprobs = true;
      shared_.statistics.note("The server refuses log-probabilities (" + ruling.reason + "): the text of answers is read, and scores are 0 or 1.");
      lanes_.again(std::move(job), now());
      break;
    default:
      retry(std::move(job), ruling);
  }
  if (const std::string gone = shared_.gate.gone(now()); !gone.empty()) give_up(gone);
}

// In an outage no attempts are used up: requests go on until the server is back, or counts as gone.
void Call::retry(Job job, const Ruling& ruling) {
  ++job.failures;
  job.attempts += shared_.gate.counts(ruling, std::exchange(job.failed, now()));
  if (job.attempts >= shared_.options.attempts) return keeper_.push(std::move(job), Verdict::fail(ruling.reason));
  const bool never_there = !shared_.gate.ever_answered() && (ruling.cause == Ruling::Cause::connection || ruling.cause == Ruling::Cause::answer);
  if (never_there && job.failures >= shared_.options.attempts) {
    return give_up(std::to_string(job.failures) + " tries failed, the last one with: " + ruling.reason);
  }
  shared_.statistics.add(&HttpStats::retries);
  const double delay = shared_.retry.delay(job.number, job.failures) + ruling.wait.value_or(0);
  lanes_.again(std::move(job), after(now(), delay));
}

void Call::give_up(const std::string& what) {
  if (fatal_.empty()) fatal_ = "The teacher's server " + shared_.options.url + ": " + what;
  if (!stopping_) stopping_ = after(now(), shared_.options.stop_seconds);
}

void Call::take_kept() {
  for (Kept& kept : keeper_.take()) settle(std::move(kept));
}

void Call::settle(Kept kept) {
  if (kept.responded) {
    --num_entered_;
    shared_.gate.leave_responded();
  }
  if (kept.ruling.step != Step::read) {
    shared_.statistics.add(kept.ruling);
    if (!stopping_) follow(std::move(kept.job), kept.ruling);
    return;
  }
  const bool logprobs = wants_logprobs();
  for (const size_t label : kept.left_out) {
    for (ChatRequest& request : shared_.protocol_for(logprobs).requests(questions_[kept.job.question], std::span(&label, 1))) {
      Job job = make_job(kept.job.question, std::move(request), kept.job.tokens, logprobs);
      job.alone = true;
      lanes_.add(std::move(job));
      shared_.statistics.add(&HttpStats::asked_alone);
    }
  }
  lanes_.finish(kept.job);
}

void Call::close() {
  transport_.cancel();
  keeper_.finish();
  for (; num_entered_ > 0; --num_entered_) shared_.gate.leave();
  if (const auto error = keeper_.error()) std::rethrow_exception(error);
  if (!fatal_.empty()) throw TeacherError(fatal_);
}

}  // namespace lmtx::http
