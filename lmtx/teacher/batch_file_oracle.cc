#include "lmtx/teacher/batch_file_oracle.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lmtx/detail/files.h"
#include "lmtx/teacher/batch_index.h"
#include "lmtx/teacher/batch_requests.h"
#include "lmtx/teacher/budget.h"

namespace lmtx {

namespace {

using detail::BatchAnswer;
using detail::BatchIndex;
using detail::BatchRequest;
using detail::BatchTask;
using detail::Digest;

void check(const BatchFileOptions& options) {
  if (options.folder.empty()) throw std::invalid_argument("`folder` of a teacher with batch files must not be empty.");
  const auto check_positive = [](int64_t value, const char* name) {
    if (value < 1) throw std::invalid_argument("`" + std::string(name) + "` must be at least 1, but is " + std::to_string(value) + " instead.");
  };
  check_positive(options.requests_per_file, "requests_per_file");
  check_positive(options.bytes_per_file, "bytes_per_file");
  const auto check_price = [](double price, const char* name) {
    if (!(price >= 0)) throw std::invalid_argument("`" + std::string(name) + "` must be at least 0, but is " + std::to_string(price) + " instead.");
  };
  check_price(options.prompt_price, "prompt_price");
  check_price(options.completion_price, "completion_price");
  const std::string fault = detail::why_not_writable(options.folder);
  if (!fault.empty()) throw std::invalid_argument("Requests cannot be written into " + options.folder.string() + ": " + fault + ".");
}

// The same with what it costs.
Usage priced(const Usage& usage, const BatchFileOptions& options) {
  return lmtx::priced(usage, {.prompt = options.prompt_price, .completion = options.completion_price});
}

// What becomes of one question: the labels that have answers get them, and the others wait, or are asked.
class BatchQuestion {
 public:
  BatchQuestion(const ChatProtocol& protocol, const BatchIndex& index, const Question& question, const BatchFileOptions& options)
      : protocol_(protocol), index_(index), question_(question), options_(options), states_(question.labels.size()) {
    const detail::BatchIds id_of(protocol.identity(), question);
    for (size_t i = 0; i < states_.size(); ++i) ids_.push_back(id_of(i));
  }

  // Puts what is answered, and why what failed did.
  void answer(AnswerSink& answers) {
    for (size_t i = 0; i < states_.size(); ++i) look_at(ids_[i], std::vector<std::optional<size_t>>{i}, answers);
    for (const detail::BatchList* list : lists()) look_at(list->id, positions_in(*list), answers);
    put_failures(answers);
  }

  // What is to be asked: labels that a list's answer did not reach each alone.
  void add_tasks(size_t question, std::vector<BatchTask>& tasks) const {
    std::vector<size_t> together;
    for (size_t i = 0; i < states_.size(); ++i) {
      if (states_[i].settled || states_[i].waits) continue;
      if (states_[i].unreached)
        tasks.push_back({question, {i}});
      else
        together.push_back(i);
    }
    if (!together.empty()) tasks.push_back({question, std::move(together)});
  }

 private:
  struct LabelState {
    // Has a verdict.
    bool settled = false;
    // A request about it has no answer yet.
    bool waits = false;
    // A list's answer ended before it.
    bool unreached = false;
    std::string failure = {};
  };
  // For each label of a request its place in the question; unset where that does not have it.
  using Members = std::vector<std::optional<size_t>>;

  std::vector<const detail::BatchList*> lists() const {
    std::vector<const detail::BatchList*> found;
    for (const Digest& id : ids_) {
      for (const detail::BatchList* list : index_.lists_with(id)) found.push_back(list);
    }
    std::sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  Members positions_in(const detail::BatchList& list) const {
    Members members;
    for (const Digest& pair : list.pairs) {
      const auto at = std::find(ids_.begin(), ids_.end(), pair);
      members.push_back(at == ids_.end() ? std::nullopt : std::optional(static_cast<size_t>(at - ids_.begin())));
    }
    return members;
  }

  void look_at(const Digest& id, const Members& members, AnswerSink& answers) {
    const BatchRequest request = index_.find(id);
    std::string failure;
    for (const BatchAnswer& answer : request.answers) {
      if (all_settled(members)) return;
      take(answer, members, failure, answers);
    }
    for (const auto& label : members) {
      if (!label) continue;
      states_[*label].waits |= request.waits();
      if (!failure.empty()) states_[*label].failure = failure;
    }
  }

  bool all_settled(const Members& members) const {
    return std::all_of(members.begin(), members.end(), [&](const auto& label) { return !label || states_[*label].settled; });
  }

  // Puts the verdicts of a line; where it holds none, says why.
  void take(const BatchAnswer& answer, const Members& members, std::string& failure, AnswerSink& answers) {
    const detail::BatchLine line = index_.read(answer);
    if (!line.failure.empty()) {
      failure = index_.place(answer) + ": " + line.failure;
      return;
    }
    ChatRequest request;
    request.labels.resize(members.size());
    std::iota(request.labels.begin(), request.labels.end(), size_t{0});
    ChatAnswer said;
    try {
      said = protocol_.read(request, line.body.dump(-1, ' ', false, detail::Json::error_handler_t::replace));
    } catch (const std::runtime_error& error) {
      failure = index_.place(answer) + ": " + error.what();
      return;
    }
    put(said, members, answers);
  }

  void put(const ChatAnswer& said, const Members& members, AnswerSink& answers) {
    std::vector<LabelToJudge> labels;
    std::vector<Verdict> verdicts;
    for (size_t i = 0; i < members.size(); ++i) {
      if (!members[i] || states_[*members[i]].settled) continue;
      LabelState& state = states_[*members[i]];
      state.unreached |= !said.verdicts[i];
      // A model that says nothing when it is asked about one label will say no more the next time.
      if (!said.verdicts[i] && members.size() > 1) continue;
      state.settled = true;
      labels.push_back(question_.labels[*members[i]]);
      verdicts.push_back(said.verdicts[i].value_or(Verdict::abstain()));
    }
    if (!labels.empty())
      answers.put(part(labels), verdicts, priced(said.usage, options_), options_.keep_raw ? std::string_view(said.text) : std::string_view());
  }

  void put_failures(AnswerSink& answers) {
    std::vector<LabelToJudge> labels;
    std::vector<Verdict> verdicts;
    for (size_t i = 0; i < states_.size(); ++i) {
      if (states_[i].settled || states_[i].failure.empty()) continue;
      labels.push_back(question_.labels[i]);
      verdicts.push_back(Verdict::fail(states_[i].failure));
    }
    if (!labels.empty()) answers.put(part(labels), verdicts);
  }

  Question part(std::span<const LabelToJudge> labels) const { return {question_.uid, question_.title, question_.content, labels}; }

  const ChatProtocol& protocol_;
  const BatchIndex& index_;
  const Question& question_;
  const BatchFileOptions& options_;
  // Each label's request alone.
  std::vector<Digest> ids_;
  std::vector<LabelState> states_;
};

}  // namespace

struct BatchFileOracle::Impl {
  BatchFileOptions options;
  ChatProtocol protocol;
  BatchIndex index;
};

BatchFileOracle::BatchFileOracle(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BatchFileOracle::~BatchFileOracle() = default;

std::shared_ptr<BatchFileOracle> BatchFileOracle::make(BatchFileOptions options, ChatProtocol protocol) {
  check(options);
  BatchIndex index(options.folder);
  auto impl = std::make_unique<Impl>(Impl{std::move(options), std::move(protocol), std::move(index)});
  return std::shared_ptr<BatchFileOracle>(new BatchFileOracle(std::move(impl)));
}

std::string BatchFileOracle::identity() const { return impl_->protocol.identity(); }
Usage BatchFileOracle::estimate(const Question& question) const { return priced(impl_->protocol.estimate(question), impl_->options); }
const BatchFileOptions& BatchFileOracle::options() const { return impl_->options; }
const ChatProtocol& BatchFileOracle::protocol() const { return impl_->protocol; }

void BatchFileOracle::judge(std::span<const Question> questions, AnswerSink& answers) {
  auto& [options, protocol, index] = *impl_;
  detail::make_folder(index.requests());
  detail::make_folder(index.answers());
  const detail::FileLock lock(options.folder / "lock", "Another process is writing requests into " + options.folder.string() + ".");
  index.refresh();
  std::vector<BatchTask> tasks;
  for (size_t i = 0; i < questions.size(); ++i) {
    if (answers.stop().stop_requested()) return;
    BatchQuestion question(protocol, index, questions[i], options);
    question.answer(answers);
    question.add_tasks(i, tasks);
  }
  detail::BatchRequests(protocol, questions, tasks, answers.stop()).write(index, {.requests = options.requests_per_file, .bytes = options.bytes_per_file});
}

std::string BatchFileOracle::pending_advice() const {
  const std::string folder = impl_->options.folder.string();
  return "Their requests are in " + impl_->index.requests().string() + "; put the answers into " + impl_->index.answers().string() + " (lmtx batch import " +
         folder + " FILE), and run the same command again.";
}

}  // namespace lmtx
