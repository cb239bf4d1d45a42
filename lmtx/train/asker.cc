#include "lmtx/train/asker.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "lmtx/stopped.h"
#include "lmtx/train/answer_book.h"
#include "lmtx/train/curriculum_trainer.h"
#include "lmtx/train/document_seeker.h"
#include "lmtx/train/teacher_calls.h"

namespace lmtx {

namespace {

// Text that a call carries at most where the teacher would take all questions at once: a corpus need not fit into memory.
constexpr size_t max_call_bytes = size_t{64} << 20;

// Collects questions until they make a call.
class CallBuilder {
 public:
  explicit CallBuilder(int64_t questions_per_call) : questions_per_call_(static_cast<size_t>(questions_per_call)) {}

  void add(std::shared_ptr<const AskedQuestion> asked) {
    bytes_ += asked->document.title.size() + asked->document.content.size();
    call_.push_back(std::move(asked));
  }
  bool full() const { return questions_per_call_ > 0 ? call_.size() >= questions_per_call_ : bytes_ >= max_call_bytes; }
  bool empty() const { return call_.empty(); }
  Call take() {
    bytes_ = 0;
    return std::exchange(call_, {});
  }

 private:
  size_t questions_per_call_;
  size_t bytes_ = 0;
  Call call_;
};

Document read_document(DocumentSeeker& documents, int64_t number) {
  Document document;
  if (!documents.read(number, document))
    throw std::runtime_error("The corpus ended before document " + std::to_string(number) + "; its file must not change during a run.");
  return document;
}

std::string describe_open(int64_t open, int64_t pairs, const std::string& first_failure, const std::string& advice) {
  std::string message =
      std::to_string(open) + " of " + std::to_string(pairs) + " pairs are " + (advice.empty() ? "still open: the teacher did not answer them" : "open");
  if (!first_failure.empty()) message += " (first failure: " + first_failure + ")";
  return message + ". " + (advice.empty() ? "All answers are kept; the same command asks for the rest." : advice);
}

// Calls `act` when the time is up, on a thread of its own unless it is up already; never once it has ended.
class Deadline {
 public:
  Deadline(std::optional<double> seconds, std::function<void()> act) {
    if (!seconds) return;
    if (*seconds <= 0) {
      act();
      return;
    }
    waits_ = std::jthread([this, duration = std::chrono::duration<double>(*seconds), act = std::move(act)](std::stop_token ended) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, ended, duration, [] { return false; });
      if (!ended.stop_requested()) act();
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Destroyed first: it is told to stop, and waited for.
  std::jthread waits_;
};

}  // namespace

Asker::Asker(std::shared_ptr<TeacherOracle> teacher, std::shared_ptr<JudgmentStore> store, Corpus documents, std::shared_ptr<const LabelSet> labels,
             AskerOptions options)
    : teacher_(std::move(teacher)), store_(std::move(store)), documents_(std::move(documents)), labels_(std::move(labels)), options_(std::move(options)) {}

AskedPairs Asker::ask(AskedPairs wanted, std::span<const AskedPairs> earlier, Spending spending, const std::filesystem::path& missing_log,
                      const EventCallback& on_event, std::stop_token stop) const {
  const auto book = std::make_shared<AnswerBook>(std::move(wanted), store_, labels_, spending,
                                                 AnswerBookOptions{.identity = teacher_->identity(),
                                                                   .run = options_.run,
                                                                   .charge_stored = options_.charge_stored,
                                                                   .missing_log = missing_log,
                                                                   .expect = expected_usage(),
                                                                   .rates = options_.rates});
  const Deadline deadline(options_.seconds_left, [book] { book->end_asking(); });
  const std::string advice = teacher_->pending_advice();
  const int64_t rounds = advice.empty() ? options_.ask_rounds : 1;
  const std::stop_callback forward_stop(stop, [&] { book->request_stop(); });
  book->settle_from(earlier);
  {
    int64_t reported = -1;
    const auto report = [&] {
      const int64_t done = book->num_pairs() - book->num_open();
      if (on_event && done != reported) on_event({.stage = "ask", .done = done, .total = book->num_pairs(), .message = {}});
      reported = done;
    };
    TeacherCalls calls(teacher_, book, teacher_->traits().concurrent_calls, report, stop);
    for (int64_t round = 0; round < rounds && book->num_open() > 0; ++round) {
      offer(*book, calls, stop);
      if (book->settle_unasked()) break;
    }
    report();
  }
  const std::string first_failure = book->first_failure();
  const int64_t open = book->num_open();
  AskedPairs pairs = book->close();
  if (!may_close(open, pairs.num_pairs())) throw PairsOpen(describe_open(open, pairs.num_pairs(), first_failure, advice), open);
  return pairs;
}

std::function<Usage(const Question&)> Asker::expected_usage() const {
  if (!options_.expect_usage) return nullptr;
  return [teacher = teacher_](const Question& question) { return teacher->estimate(question); };
}

void Asker::offer(AnswerBook& book, TeacherCalls& calls, const std::stop_token& stop) const {
  DocumentSeeker documents(documents_);
  CallBuilder builder(teacher_->traits().questions_per_call);
  for (int64_t i = 0; i < book.num_documents(); ++i) {
    check_stop(stop);
    if (!book.is_open(i)) continue;
    auto question = book.prepare(i, read_document(documents, book.document(i)));
    if (question) builder.add(std::move(question));
    if (builder.full()) calls.submit(builder.take());
  }
  if (!builder.empty()) calls.submit(builder.take());
  calls.wait();
}

bool Asker::may_close(int64_t open, int64_t pairs) const { return static_cast<double>(open) <= options_.accept_missing * static_cast<double>(pairs); }

}  // namespace lmtx
