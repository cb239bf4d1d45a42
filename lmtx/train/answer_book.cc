#include "lmtx/train/answer_book.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "lmtx/detail/quote.h"
#include "lmtx/teacher/asked_label.h"

namespace lmtx {

namespace {

LabelToJudge to_judge(const Label& label) { return {label.uid, label.name, label.description}; }

PairState state_of(const Verdict& verdict) { return verdict.scored() ? PairState::scored : PairState::abstained; }

// The positions of the labels that are answered among those that were asked.
std::vector<size_t> find_labels(const AskedQuestion& asked, const Question& answered) {
  std::vector<size_t> positions;
  for (const LabelToJudge& label : answered.labels) positions.push_back(find_asked_label(asked.question(), label.uid));
  return positions;
}

}  // namespace

AnswerBook::AnswerBook(AskedPairs pairs, std::shared_ptr<JudgmentStore> store, std::shared_ptr<const LabelSet> labels, Spending spending,
                       AnswerBookOptions options)
    : num_documents_(pairs.num_documents()),
      num_pairs_(pairs.num_pairs()),
      store_(std::move(store)),
      labels_(std::move(labels)),
      options_(std::move(options)),
      pairs_(std::move(pairs)),
      num_open_(num_pairs_),
      spending_(spending),
      missing_log_(options_.missing_log) {
  for (const std::string& record : missing_log_.take_records()) {
    for (size_t at = 0; at + sizeof(int64_t) <= record.size(); at += sizeof(int64_t)) {
      int64_t pair = 0;
      std::memcpy(&pair, record.data() + at, sizeof(pair));
      if (pair >= 0 && pair < num_pairs_) settle_missing(pairs_.all()[pair]);
    }
  }
}

void AnswerBook::settle_from(std::span<const AskedPairs> earlier) {
  const std::lock_guard lock(mutex_);
  for (int64_t i = 0; i < num_documents_; ++i) {
    for (AskedPair& pair : pairs_.of(i)) {
      for (const AskedPairs& stage : earlier) {
        const AskedPair* known = stage.find(pairs_.document(i), pair.label);
        if (!known || !known->answered() || pair.state != PairState::open) continue;
        leave_open(pair, known->state);
        pair.score = known->score;
        pair.from_store = pair.earlier = true;
      }
    }
  }
}

std::shared_ptr<const AskedQuestion> AnswerBook::prepare(int64_t position, Document document) {
  const std::lock_guard lock(mutex_);
  auto asked = std::make_shared<AskedQuestion>(std::move(document), position);
  std::vector<AskedPair*> open;
  for (AskedPair& pair : pairs_.of(position)) {
    if (pair.state != PairState::open) continue;
    open.push_back(&pair);
    asked->labels.push_back(to_judge((*labels_)[pair.label]));
  }
  const auto held = store_->find(options_.identity, asked->question());
  std::vector<LabelToJudge> left;
  for (size_t i = 0; i < open.size(); ++i) {
    if (held[i])
      settle(*open[i], *held[i]);
    else
      reserve(*open[i]);
    if (open[i]->state == PairState::open) left.push_back(asked->labels[i]);
  }
  asked->labels = std::move(left);
  if (asked->labels.empty() || may_ask(*asked)) return asked->labels.empty() ? nullptr : asked;
  for (AskedPair* pair : open) {
    if (pair->state == PairState::open) settle_over_budget(*pair);
  }
  return nullptr;
}

void AnswerBook::begin(const Call& call) {
  const std::lock_guard lock(mutex_);
  for (const auto& asked : call) in_flight_[asked->document.uid] = {asked, asked->expected};
}

void AnswerBook::end(const Call& call) {
  const std::lock_guard lock(mutex_);
  for (const auto& asked : call) {
    const auto found = in_flight_.find(asked->document.uid);
    if (found == in_flight_.end()) continue;
    spending_.give_back(found->second.aside);
    in_flight_.erase(found);
  }
}

void AnswerBook::put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) {
  check_verdicts(question, verdicts);
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  const auto found = in_flight_.find(question.uid);
  if (found == in_flight_.end())
    throw std::invalid_argument("The teacher answered for document " + detail::quote(question.uid) + ", which is not being asked.");
  const AskedQuestion& asked = *found->second.asked;

  // In our own words: the store's key must not depend on what the teacher made of the texts.
  std::vector<LabelToJudge> labels;
  std::vector<AskedPair*> pairs;
  for (size_t i : find_labels(asked, question)) {
    labels.push_back(asked.labels[i]);
    const auto of = pairs_.of(asked.position);
    pairs.push_back(&*std::find_if(of.begin(), of.end(), [&](const AskedPair& pair) { return (*labels_)[pair.label].uid == asked.labels[i].uid; }));
  }
  try {
    const Usage cost = priced(usage, options_.rates);
    keep({asked.document.uid, asked.document.title, asked.document.content, labels}, pairs, verdicts, cost, raw);
    use(found->second, labels.size(), cost);
  } catch (...) {
    // The teacher may make something else of it, or nothing.
    failure_ = std::current_exception();
    stop_.request_stop();
    throw;
  }
}

std::exception_ptr AnswerBook::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void AnswerBook::keep(const Question& own, std::span<AskedPair* const> pairs, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) {
  const int64_t num_new = store_->put(options_.identity, own, verdicts, usage, options_.run, raw);
  // What counts is what the store holds now: another run that shares it may have been first.
  const auto held = num_new == static_cast<int64_t>(verdicts.size()) ? judgments_of(verdicts) : store_->find(options_.identity, own);
  std::vector<AskedPair*> missing;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i]->state != PairState::open) continue;
    if (held[i])
      settle(*pairs[i], *held[i]);
    else if (verdicts[i].kind() == Verdict::Kind::missing)
      missing.push_back(pairs[i]);
    else if (verdicts[i].kind() == Verdict::Kind::failed && first_failure_.empty())
      first_failure_ = verdicts[i].reason();
  }
  note_missing(missing);
}

// As the store has them where all are ours.
std::vector<std::optional<Judgment>> AnswerBook::judgments_of(std::span<const Verdict> verdicts) const {
  std::vector<std::optional<Judgment>> judgments;
  for (const Verdict& verdict : verdicts) judgments.push_back(Judgment{verdict, options_.run});
  return judgments;
}

bool AnswerBook::is_open(int64_t position) const {
  const std::lock_guard lock(mutex_);
  const auto of = pairs_.of(position);
  return std::any_of(of.begin(), of.end(), [](const AskedPair& pair) { return pair.state == PairState::open; });
}

int64_t AnswerBook::num_open() const {
  const std::lock_guard lock(mutex_);
  return num_open_;
}

std::string AnswerBook::first_failure() const {
  const std::lock_guard lock(mutex_);
  return first_failure_;
}

void AnswerBook::drop_late_answers() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

AskedPairs AnswerBook::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (AskedPair& pair : pairs_.all()) {
    if (pair.state == PairState::open) pair.charged = false;
  }
  return std::move(pairs_);
}

void AnswerBook::settle(AskedPair& pair, const Judgment& judgment) {
  const bool own = judgment.run == options_.run;
  const bool costs = own || options_.charge_stored;
  if (costs) reserve(pair);
  if (pair.state == PairState::over_budget) return;
  if (!costs && pair.charged) spending_.give_back();
  pair.charged = costs;
  pair.from_store = !own;
  leave_open(pair, state_of(judgment.verdict));
  pair.score = judgment.verdict.scored() ? judgment.verdict.score() : 0;
}

void AnswerBook::settle_missing(AskedPair& pair) {
  reserve(pair);
  if (pair.state == PairState::open) leave_open(pair, PairState::missing);
}

void AnswerBook::settle_over_budget(AskedPair& pair) {
  if (pair.charged) spending_.give_back();
  pair.charged = false;
  leave_open(pair, PairState::over_budget);
}

// Puts aside what the question is expected to take, where that is there.
bool AnswerBook::may_ask(AskedQuestion& question) {
  if (asking_ended_) return false;
  if (options_.expect) question.expected = priced(options_.expect(question.question()), options_.rates);
  if (!spending_.suffices_for(question.expected)) return false;
  spending_.put_aside(question.expected);
  return true;
}

// An answer to some labels of a question takes their share of what is put aside for it.
void AnswerBook::use(InFlight& question, size_t num_labels, const Usage& usage) {
  const Usage share = (static_cast<double>(num_labels) / static_cast<double>(question.asked->labels.size())) * question.asked->expected;
  spending_.give_back(share);
  question.aside = question.aside - share;
  spending_.use(usage);
  if (!spending_.used_up()) return;
  asking_ended_ = true;
  stop_.request_stop();
}

void AnswerBook::end_asking() {
  {
    const std::lock_guard lock(mutex_);
    asking_ended_ = true;
  }
  stop_.request_stop();
}

bool AnswerBook::settle_unasked() {
  const std::lock_guard lock(mutex_);
  if (!asking_ended_) return false;
  for (AskedPair& pair : pairs_.all()) {
    if (pair.state == PairState::open) settle_over_budget(pair);
  }
  return true;
}

void AnswerBook::reserve(AskedPair& pair) {
  if (pair.charged) return;
  pair.charged = spending_.take();
  if (!pair.charged) leave_open(pair, PairState::over_budget);
}

void AnswerBook::leave_open(AskedPair& pair, PairState state) {
  pair.state = state;
  --num_open_;
}

void AnswerBook::note_missing(std::span<AskedPair* const> pairs) {
  if (pairs.empty()) return;
  std::string record;
  for (AskedPair* pair : pairs) {
    settle_missing(*pair);
    const int64_t number = pair - pairs_.all().data();
    record.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  missing_log_.append(record);
}

}  // namespace lmtx
