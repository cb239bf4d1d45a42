#include "lmtx/train/asking_streams.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/train/array_file.h"
#include "lmtx/train/farthest_first.h"
#include "lmtx/train/options.h"
#include "lmtx/train/score_fit.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXSTRM", 1, "file of asking streams"};

// Places of a list that the random stream and the coverage of labels reach, and a new document's lower label.
constexpr int64_t pool = 100, lower_places = 50;
// Labels with fewer yeses are short of them.
constexpr double enough_yeses = 3;
// Targets and probabilities below are noes.
constexpr double no = 0.1;

constexpr uint8_t not_chosen = 255;

// A number in (0, 1) for each pair, whatever the order in which they are looked at.
class PairDraws {
 public:
  explicit PairDraws(uint64_t key) : key_(key) {}
  double operator()(int64_t document, int32_t label) const {
    const uint64_t bits = detail::mix(detail::mix(key_ ^ static_cast<uint64_t>(document)) ^ static_cast<uint64_t>(label));
    return (static_cast<double>(bits >> 11) + 0.5) * 0x1.0p-53;
  }

 private:
  uint64_t key_;
};

// A round in the making. A pair is told by its place in the flat array of all lists.
class Round {
 public:
  Round(const ProposedLabels& proposed, std::span<const PastPair> past, int64_t budget, int64_t round, uint64_t seed, const AskingOptions& options)
      : proposed_(proposed),
        past_(past),
        options_(options),
        round_(round),
        seed_(seed),
        left_(std::max<int64_t>(budget, 0)),
        chosen_(proposed.labels.size(), not_chosen) {
    find_past();
    order_ = detail::permutation(proposed.size(), key("asking"));
  }

  void ask_at_random();
  void ask_new_documents(int64_t quota, const at::Tensor& vectors);
  void ask_first_places(int64_t quota);
  void ask_for_coverage(int64_t quota);
  void ask_near_the_cut(int64_t quota);
  // Place by place, to the end of the budget.
  void ask_down_the_lists(bool to_the_end);

  int64_t left() const { return left_; }
  int64_t share(double of) const { return std::min<int64_t>(left_, std::llround(of * static_cast<double>(left_))); }
  Asking result() const;

 private:
  uint64_t key(std::string_view purpose) const { return detail::random_key(seed_, purpose, {round_}); }
  void find_past();
  bool is_new(int64_t i) const { return num_past_[i] == 0; }
  bool is_free(int64_t pair) const { return chosen_[pair] == not_chosen && !was_asked_[pair]; }
  // Takes the pair; false where that cannot be.
  bool take(int64_t pair, AskingStream stream) {
    if (left_ == 0 || !is_free(pair)) return false;
    chosen_[pair] = static_cast<uint8_t>(stream);
    --left_;
    return true;
  }
  int64_t ask_newly(int64_t i, int64_t quota);
  std::vector<int64_t> new_documents(int64_t count, const at::Tensor& vectors) const;
  ScoreFit fit() const;
  std::vector<int64_t> where_to_stop(bool to_the_end) const;
  int64_t stop_of(int64_t i, const ScoreFit& fit) const;
  bool is_touched(int64_t i) const;
  int64_t ask_near_the_cut(int64_t quota, const ScoreFit& fit, const std::vector<bool>& documents);
  std::vector<bool> short_of_yeses() const;

  const ProposedLabels& proposed_;
  const std::span<const PastPair> past_;
  const AskingOptions& options_;
  const int64_t round_;
  const uint64_t seed_;
  int64_t left_;
  // Of each pair: its stream, whether it was asked before, and what came of it (NaN: nothing).
  std::vector<uint8_t> chosen_;
  std::vector<bool> was_asked_;
  std::vector<float> targets_;
  // Of each document: pairs asked before, also of labels that its list no longer has.
  std::vector<int64_t> num_past_;
  std::vector<int64_t> order_;
};

void Round::find_past() {
  was_asked_.assign(proposed_.labels.size(), false);
  targets_.assign(proposed_.labels.size(), std::numeric_limits<float>::quiet_NaN());
  num_past_.assign(static_cast<size_t>(proposed_.size()), 0);
  auto begin = past_.begin();
  for (int64_t i = 0; i < proposed_.size(); ++i) {
    const int64_t document = proposed_.documents[i];
    while (begin != past_.end() && begin->document < document) ++begin;
    const auto end = std::find_if(begin, past_.end(), [&](const PastPair& pair) { return pair.document != document; });
    num_past_[i] = end - begin;
    for (int64_t pair = proposed_.offsets[i]; begin != end && pair < proposed_.offsets[i + 1]; ++pair) {
      const auto found = std::lower_bound(begin, end, proposed_.labels[pair], [](const PastPair& past, int32_t label) { return past.label < label; });
      if (found == end || found->label != proposed_.labels[pair]) continue;
      was_asked_[pair] = true;
      targets_[pair] = found->target;
    }
    begin = end;
  }
}

// --- random ---

// Draws that meet a pair that was answered before belong to the sample as well; they cost nothing.
void Round::ask_at_random() {
  if (options_.random_share <= 0 || left_ == 0) return;
  std::vector<int64_t> ends;
  int64_t total = 0;
  for (int64_t i = 0; i < proposed_.size(); ++i) ends.push_back(total += std::min(pool, proposed_.length(i)));
  if (total == 0) return;
  int64_t quota = std::max<int64_t>(1, share(options_.random_share));
  detail::KeyedRandom random(key("asking at random"));
  // Where nearly all were drawn before, it may end early.
  for (int64_t draws = 100 + 20 * quota; quota > 0 && left_ > 0 && draws > 0; --draws) {
    const int64_t drawn = random.below(total);
    const auto i = std::upper_bound(ends.begin(), ends.end(), drawn) - ends.begin();
    const int64_t pair = proposed_.offsets[i] + drawn - (i == 0 ? 0 : ends[i - 1]);
    if (was_asked_[pair])
      chosen_[pair] = static_cast<uint8_t>(AskingStream::random);
    else
      quota -= take(pair, AskingStream::random);
  }
}

// --- top ---

// Returns how many it took.
int64_t Round::ask_newly(int64_t i, int64_t quota) {
  const int64_t begin = proposed_.offsets[i], length = proposed_.length(i), first = std::max<int64_t>(1, options_.breadth - 1), before = left_;
  for (int64_t place = 0; place < std::min(first, length) && before - left_ < quota; ++place) take(begin + place, AskingStream::top);
  const int64_t below = std::min(lower_places, length) - first;
  if (options_.breadth < 2 || below <= 0 || before - left_ >= quota) return before - left_;
  detail::KeyedRandom random(detail::random_key(seed_, "asking below", {round_, proposed_.documents[i]}));
  take(begin + first + random.below(below), AskingStream::lower);
  return before - left_;
}

std::vector<int64_t> Round::new_documents(int64_t count, const at::Tensor& vectors) const {
  std::vector<int64_t> fresh, known;
  for (const int64_t i : order_) (is_new(i) ? fresh : known).push_back(i);
  if (options_.first_documents != "spread") return fresh;
  if (!vectors.defined() || vectors.dim() != 2 || vectors.size(0) != proposed_.size()) {
    throw std::invalid_argument("`vectors` must have a row for each of the " + std::to_string(proposed_.size()) + " documents, but " +
                                (vectors.defined() ? "has " + std::to_string(vectors.dim() == 0 ? 0 : vectors.size(0)) : "there are none") + " instead.");
  }
  return farthest_first(vectors, fresh, known, count);
}

void Round::ask_new_documents(int64_t quota, const at::Tensor& vectors) {
  if (quota <= 0) return;
  // More than enough where every document has `breadth` labels to ask; the top of the lists takes what is left.
  for (const int64_t i : new_documents((quota + options_.breadth - 1) / options_.breadth, vectors)) {
    if (quota <= 0) return;
    quota -= ask_newly(i, quota);
  }
}

void Round::ask_first_places(int64_t quota) {
  for (const int64_t i : order_) {
    if (quota <= 0) return;
    if (!is_new(i) && proposed_.length(i) > 0) quota -= take(proposed_.offsets[i], AskingStream::top);
  }
}

// The scores of the judged pairs against what came of them.
ScoreFit Round::fit() const {
  std::vector<float> scores, targets;
  for (size_t pair = 0; pair < targets_.size(); ++pair) {
    if (std::isnan(targets_[pair])) continue;
    scores.push_back(proposed_.scores[pair]);
    targets.push_back(targets_[pair]);
  }
  return ScoreFit::of(scores, targets);
}

// The place from which nothing more is asked.
int64_t Round::stop_of(int64_t i, const ScoreFit& fit) const {
  int64_t judged = 0, noes = 0;
  for (int64_t place = 0; place < proposed_.length(i); ++place) {
    const int64_t pair = proposed_.offsets[i] + place;
    if (!std::isnan(targets_[pair])) {
      ++judged;
      noes = targets_[pair] < no ? noes + 1 : 0;
    } else if (judged > options_.stop_after_noes && noes >= options_.stop_after_noes && is_free(pair) && fit(proposed_.scores[pair]) < no) {
      return place;
    }
  }
  return proposed_.length(i);
}

std::vector<int64_t> Round::where_to_stop(bool to_the_end) const {
  std::vector<int64_t> stops;
  const ScoreFit of_scores = fit();
  for (int64_t i = 0; i < proposed_.size(); ++i) stops.push_back(to_the_end || options_.stop_after_noes == 0 ? proposed_.length(i) : stop_of(i, of_scores));
  return stops;
}

void Round::ask_down_the_lists(bool to_the_end) {
  if (left_ == 0) return;
  const std::vector<int64_t> stops = where_to_stop(to_the_end);
  const int64_t longest = stops.empty() ? 0 : *std::max_element(stops.begin(), stops.end());
  for (int64_t place = 0; place < longest && left_ > 0; ++place) {
    for (const int64_t i : order_) {
      if (place < stops[i]) take(proposed_.offsets[i] + place, AskingStream::top);
    }
  }
}

// --- coverage ---

std::vector<bool> Round::short_of_yeses() const {
  int64_t labels = 0;
  for (const int32_t label : proposed_.labels) labels = std::max<int64_t>(labels, label + 1);
  std::vector<double> yeses(static_cast<size_t>(labels), 0);
  for (const PastPair& pair : past_) {
    if (pair.label < labels && !std::isnan(pair.target)) yeses[pair.label] += pair.target;
  }
  std::vector<bool> is_short;
  for (const double of_label : yeses) is_short.push_back(of_label < enough_yeses);
  return is_short;
}

// Each label that is short of yeses on the document that it scores highest for, best labels first; then on the next document of each.
void Round::ask_for_coverage(int64_t quota) {
  const std::vector<bool> is_short = short_of_yeses();
  for (int64_t turn = 0; turn < static_cast<int64_t>(enough_yeses) && quota > 0; ++turn) {
    std::vector<int64_t> best(is_short.size(), -1);
    for (int64_t i = 0; i < proposed_.size(); ++i) {
      const int64_t begin = proposed_.offsets[i];
      for (int64_t pair = begin; pair < begin + std::min(pool, proposed_.length(i)); ++pair) {
        const int32_t label = proposed_.labels[pair];
        if (is_short[label] && is_free(pair) && (best[label] < 0 || proposed_.scores[pair] > proposed_.scores[best[label]])) best[label] = pair;
      }
    }
    std::erase(best, -1);
    std::stable_sort(best.begin(), best.end(), [&](int64_t a, int64_t b) { return proposed_.scores[a] > proposed_.scores[b]; });
    for (const int64_t pair : best) {
      if (quota <= 0) return;
      quota -= take(pair, AskingStream::coverage);
    }
  }
}

// --- cut ---

bool Round::is_touched(int64_t i) const {
  return std::any_of(chosen_.begin() + proposed_.offsets[i], chosen_.begin() + proposed_.offsets[i + 1], [](uint8_t stream) { return stream != not_chosen; });
}

// Drawing pairs at random and accepting each with probability 4 p (1 - p) until there are enough is weighted sampling without replacement: the largest of
// log(u) / weight (Efraimidis and Spirakis 2006). Returns how many it took.
int64_t Round::ask_near_the_cut(int64_t quota, const ScoreFit& fit, const std::vector<bool>& documents) {
  const PairDraws draws(key("asking near the cut"));
  std::vector<std::pair<float, int64_t>> keys;
  for (int64_t i = 0; i < proposed_.size(); ++i) {
    if (!documents[i]) continue;
    for (int64_t pair = proposed_.offsets[i]; pair < proposed_.offsets[i + 1]; ++pair) {
      if (!is_free(pair)) continue;
      const double p = fit(proposed_.scores[pair]);
      keys.emplace_back(static_cast<float>(-std::log(draws(proposed_.documents[i], proposed_.labels[pair])) / (4 * p * (1 - p))), pair);
    }
  }
  const auto end = keys.begin() + std::min<int64_t>(std::max<int64_t>(quota, 0), static_cast<int64_t>(keys.size()));
  std::nth_element(keys.begin(), end, keys.end());
  int64_t taken = 0;
  std::for_each(keys.begin(), end, [&](const auto& of) { taken += take(of.second, AskingStream::cut); });
  return taken;
}

// Where this round asks anyway first: another label costs less there than another document.
void Round::ask_near_the_cut(int64_t quota) {
  const ScoreFit of_scores = fit();
  if (of_scores.is_flat() || quota <= 0) return;
  std::vector<bool> touched, all(static_cast<size_t>(proposed_.size()), true);
  for (int64_t i = 0; i < proposed_.size(); ++i) touched.push_back(is_touched(i));
  quota -= ask_near_the_cut(quota, of_scores, touched);
  ask_near_the_cut(quota, of_scores, all);
}

// --- result ---

Asking Round::result() const {
  Asking asking;
  for (int64_t i = 0; i < proposed_.size(); ++i) {
    std::vector<int64_t> labels;
    for (int64_t pair = proposed_.offsets[i]; pair < proposed_.offsets[i + 1]; ++pair) {
      if (chosen_[pair] == not_chosen) continue;
      labels.push_back(proposed_.labels[pair]);
      asking.streams.push_back(static_cast<AskingStream>(chosen_[pair]));
      asking.num_new += !was_asked_[pair];
    }
    asking.pairs.add(proposed_.documents[i], labels);
  }
  return asking;
}

}  // namespace

ProposedLabels ProposedLabels::of(const Shortlists& shortlists) {
  ProposedLabels proposed{.documents = shortlists.documents, .offsets = {0}, .labels = shortlists.labels, .scores = shortlists.scores};
  for (size_t i = 0; i < shortlists.documents.size(); ++i) proposed.offsets.push_back(proposed.offsets.back() + shortlists.k);
  return proposed;
}

ProposedLabels ProposedLabels::of(const Proposals& proposals) {
  return {.documents = proposals.documents,
          .offsets = proposals.offsets,
          .labels = proposals.labels,
          .scores = proposals.cosines.empty() ? proposals.scores : proposals.cosines};
}

std::vector<PastPair> past_pairs(std::span<const AskedPairs> stages, const TargetOf& target_of) {
  std::vector<PastPair> past;
  for (const AskedPairs& stage : stages) {
    for (int64_t i = 0; i < stage.num_documents(); ++i) {
      for (const AskedPair& pair : stage.of(i)) {
        if (!pair.answered()) continue;
        const double target = pair.state == PairState::scored ? target_of(stage.document(i), pair) : std::numeric_limits<double>::quiet_NaN();
        past.push_back({.document = stage.document(i), .label = pair.label, .target = static_cast<float>(target)});
      }
    }
  }
  const auto place = [](const PastPair& pair) { return std::pair(pair.document, pair.label); };
  std::stable_sort(past.begin(), past.end(), [&](const PastPair& a, const PastPair& b) { return place(a) < place(b); });
  past.erase(std::unique(past.begin(), past.end(), [&](const PastPair& a, const PastPair& b) { return place(a) == place(b); }), past.end());
  return past;
}

AskingOptions AskingOptions::of(const TrainerOptions& options) {
  return {.breadth = options.asking_breadth,
          .cut_share = options.cut_share,
          .coverage_share = options.coverage_share,
          .random_share = options.random_share,
          .stop_after_noes = options.stop_after_noes,
          .first_documents = options.first_documents};
}

Asking choose_by_streams(const ProposedLabels& proposed, std::span<const PastPair> past, int64_t budget, int64_t round, uint64_t seed,
                         const AskingOptions& options, const at::Tensor& vectors) {
  Round asking(proposed, past, budget, round, seed, options);
  const int64_t coverage = asking.share(options.coverage_share), cut = asking.share(options.cut_share);
  asking.ask_at_random();
  if (round == 0) {
    asking.ask_new_documents(asking.left(), vectors);
  } else {
    const int64_t top = std::max<int64_t>(0, asking.left() - coverage - cut), before = asking.left();
    asking.ask_new_documents((top + 1) / 2, vectors);
    asking.ask_first_places(top - (before - asking.left()));
    asking.ask_for_coverage(coverage);
    asking.ask_near_the_cut(cut);
  }
  asking.ask_down_the_lists(/*to_the_end=*/false);
  asking.ask_down_the_lists(/*to_the_end=*/true);
  return asking.result();
}

Asking choose_by_place(const ProposedLabels& proposed, std::span<const PastPair> past, int64_t budget, int64_t round, uint64_t seed) {
  const AskingOptions options;
  Round asking(proposed, past, budget, round, seed, options);
  asking.ask_down_the_lists(/*to_the_end=*/true);
  return asking.result();
}

void save_streams(std::span<const AskingStream> streams, const std::filesystem::path& file) {
  ArrayFileWriter writer;
  writer.add(std::vector<AskingStream>(streams.begin(), streams.end()));
  writer.save(file, kind);
}

std::vector<AskingStream> load_streams(const std::filesystem::path& file, int64_t num_pairs) {
  ArrayFileReader reader(file, kind);
  std::vector<AskingStream> streams = reader.next<AskingStream>();
  reader.finish();
  if (num_pairs >= 0 && num_pairs != static_cast<int64_t>(streams.size())) reader.refuse();
  if (std::any_of(streams.begin(), streams.end(), [](AskingStream stream) { return stream > AskingStream::random; })) reader.refuse();
  return streams;
}

}  // namespace lmtx
