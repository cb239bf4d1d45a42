#include "lmtx/train/asked_pairs.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "lmtx/train/array_file.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXASKD", 1, "file of asked pairs"};
constexpr uint8_t from_store_bit = 16, earlier_bit = 32, charged_bit = 64, state_bits = 15;

uint8_t flags_of(const AskedPair& pair) {
  return static_cast<uint8_t>(static_cast<uint8_t>(pair.state) | (pair.from_store ? from_store_bit : 0) | (pair.earlier ? earlier_bit : 0) |
                              (pair.charged ? charged_bit : 0));
}

void count(AskingReport& report, const AskedPair& pair, double yes_above) {
  ++report.pairs_wanted;
  report.judgments += pair.state == PairState::scored;
  report.yes += pair.state == PairState::scored && pair.score >= yes_above;
  report.abstentions += pair.state == PairState::abstained || pair.state == PairState::missing;
  report.missing += pair.state == PairState::missing;
  report.open += pair.state == PairState::open;
  report.over_budget += pair.state == PairState::over_budget;
}

// Documents that the teacher was needed for, counted once however often they were offered: the same after any number of interruptions.
int64_t num_questions(const AskedPairs& pairs) {
  int64_t questions = 0;
  for (int64_t i = 0; i < pairs.num_documents(); ++i) {
    const auto of = pairs.of(i);
    questions += std::any_of(of.begin(), of.end(), [](const AskedPair& pair) { return !pair.from_store && pair.state != PairState::over_budget; });
  }
  return questions;
}

bool is_possible(const AskedPair& pair) { return pair.label >= 0 && pair.state <= PairState::over_budget && pair.score >= 0 && pair.score <= 1; }

}  // namespace

void AskedPairs::add(int64_t document, std::span<const int64_t> labels) {
  if (labels.empty()) return;
  if (!documents_.empty() && document <= documents_.back()) throw std::logic_error("AskedPairs::add: documents out of order (a bug in LMTX).");
  documents_.push_back(document);
  for (int64_t label : labels) pairs_.push_back({.label = static_cast<int32_t>(label)});
  offsets_.push_back(num_pairs());
}

std::span<const AskedPair> AskedPairs::of_document(int64_t document) const {
  const auto found = std::lower_bound(documents_.begin(), documents_.end(), document);
  if (found == documents_.end() || *found != document) return {};
  return of(found - documents_.begin());
}

const AskedPair* AskedPairs::find(int64_t document, int64_t label) const {
  const auto pairs = of_document(document);
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const AskedPair& pair) { return pair.label == label; });
  return found == pairs.end() ? nullptr : &*found;
}

int64_t AskedPairs::num_charged() const {
  return std::count_if(pairs_.begin(), pairs_.end(), [](const AskedPair& pair) { return pair.charged; });
}

bool AskedPairs::within(int64_t num_documents, int64_t num_labels) const {
  const bool documents_fit = documents_.empty() || documents_.back() < num_documents;
  return documents_fit && std::all_of(pairs_.begin(), pairs_.end(), [&](const AskedPair& pair) { return pair.label < num_labels; });
}

void AskedPairs::save(const std::filesystem::path& file) const {
  std::vector<int32_t> labels;
  std::vector<uint8_t> flags;
  std::vector<double> scores;
  for (const AskedPair& pair : pairs_) {
    labels.push_back(pair.label);
    flags.push_back(flags_of(pair));
    scores.push_back(pair.score);
  }
  ArrayFileWriter writer;
  writer.add(documents_);
  writer.add(offsets_);
  writer.add(labels);
  writer.add(flags);
  writer.add(scores);
  writer.save(file, kind);
}

AskedPairs AskedPairs::load(const std::filesystem::path& file) {
  ArrayFileReader reader(file, kind);
  AskedPairs asked;
  asked.documents_ = reader.next<int64_t>();
  asked.offsets_ = reader.next<int64_t>();
  const auto labels = reader.next<int32_t>();
  const auto flags = reader.next<uint8_t>();
  const auto scores = reader.next<double>();
  reader.finish();
  if (asked.offsets_.size() != asked.documents_.size() + 1 || asked.offsets_.front() != 0 || asked.offsets_.back() != static_cast<int64_t>(labels.size()) ||
      flags.size() != labels.size() || scores.size() != labels.size())
    reader.refuse();
  if (!rises(asked.documents_) || !rises(asked.offsets_) || (!asked.documents_.empty() && asked.documents_.front() < 0)) reader.refuse();
  for (size_t i = 0; i < labels.size(); ++i) {
    asked.pairs_.push_back({.score = scores[i],
                            .label = labels[i],
                            .state = static_cast<PairState>(flags[i] & state_bits),
                            .from_store = (flags[i] & from_store_bit) != 0,
                            .earlier = (flags[i] & earlier_bit) != 0,
                            .charged = (flags[i] & charged_bit) != 0});
    if (!is_possible(asked.pairs_.back())) reader.refuse();
  }
  return asked;
}

int64_t num_charged(std::span<const AskedPairs> stages) {
  int64_t charged = 0;
  for (const AskedPairs& stage : stages) charged += stage.num_charged();
  return charged;
}

AskingReport summarize(const AskedPairs& pairs, double yes_above) {
  AskingReport report;
  report.questions = num_questions(pairs);
  for (const AskedPair& pair : pairs.all()) {
    count(report, pair, yes_above);
    report.from_store += pair.from_store;
  }
  return report;
}

AskingReport summarize_distinct(std::span<const AskedPairs> stages, double yes_above) {
  AskingReport report;
  for (size_t stage = 0; stage < stages.size(); ++stage) {
    const auto later = stages.subspan(stage + 1);
    report.questions += num_questions(stages[stage]);
    for (int64_t i = 0; i < stages[stage].num_documents(); ++i) {
      for (const AskedPair& pair : stages[stage].of(i)) {
        // What an earlier cycle asked is no gift of the store.
        report.from_store += pair.from_store && !pair.earlier;
        const auto wants = [&](const AskedPairs& other) { return other.find(stages[stage].document(i), pair.label) != nullptr; };
        if (std::none_of(later.begin(), later.end(), wants)) count(report, pair, yes_above);
      }
    }
  }
  return report;
}

AskingReport operator+(const AskingReport& a, const AskingReport& b) {
  AskingReport sum = a;
  sum.questions += b.questions;
  sum.pairs_wanted += b.pairs_wanted;
  sum.from_store += b.from_store;
  sum.judgments += b.judgments;
  sum.abstentions += b.abstentions;
  sum.missing += b.missing;
  sum.open += b.open;
  sum.over_budget += b.over_budget;
  sum.yes += b.yes;
  return sum;
}

}  // namespace lmtx
