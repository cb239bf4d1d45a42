#include "lmtx/train/judged_plan.h"

#include <algorithm>

#include "lmtx/detail/random.h"
#include "lmtx/train/check_judged.h"
#include "lmtx/train/num_steps.h"

namespace lmtx {

namespace {

bool has_positive(const JudgedDocument& document) {
  return std::any_of(document.labels.begin(), document.labels.end(), [](const JudgedLabel& label) { return label.use == PairUse::positive; });
}

template <typename T>
void shuffle(std::vector<T>& entries, uint64_t key) {
  const std::vector<int64_t> order = detail::permutation(static_cast<int64_t>(entries.size()), key);
  std::vector<T> shuffled;
  for (const int64_t i : order) shuffled.push_back(entries[static_cast<size_t>(i)]);
  entries = std::move(shuffled);
}

// -1 where there is none.
int64_t find_column(std::span<const int64_t> columns, int64_t label) {
  const auto found = std::lower_bound(columns.begin(), columns.end(), label);
  return found != columns.end() && *found == label ? found - columns.begin() : -1;
}

void sort_distinct(std::vector<int64_t>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

JudgedPlan::JudgedPlan(std::span<const JudgedDocument> judged, const TrainerOptions& options, int64_t cycle)
    : seed_(options.seed),
      cycle_(cycle),
      mask_near_(options.mask_near),
      judged_per_step_(options.judged_per_step),
      far_labels_(options.loss == "listwise" ? options.far_labels : 0) {
  check_rising(judged);
  for (const JudgedDocument& document : judged) {
    const bool positive = has_positive(document);
    documents_with_positive_ += positive;
    if (positive || (options.judged_documents == "all" && !document.labels.empty())) usable_.push_back(&document);
  }
  steps_per_epoch_ = (num_documents() + options.batch_size - 1) / options.batch_size;
  num_steps_ = num_steps_of(steps_per_epoch_, options);
}

const std::vector<int64_t>& JudgedPlan::order_of(int64_t epoch) const {
  if (epoch != drawn_epoch_) {
    order_ = detail::permutation(num_documents(), detail::random_key(seed_, "order of judged documents", {cycle_, epoch}));
    drawn_epoch_ = epoch;
  }
  return order_;
}

std::span<const int64_t> JudgedPlan::places_of(int64_t t) const {
  const std::vector<int64_t>& order = order_of((t - 1) / steps_per_epoch_);
  const int64_t batch = (t - 1) % steps_per_epoch_;
  const int64_t begin = batch * num_documents() / steps_per_epoch_, end = (batch + 1) * num_documents() / steps_per_epoch_;
  return {order.data() + begin, static_cast<size_t>(end - begin)};
}

JudgedStep JudgedPlan::step(int64_t t) const {
  std::vector<const JudgedDocument*> documents;
  for (const int64_t place : places_of(t)) documents.push_back(usable_[static_cast<size_t>(place)]);
  JudgedStep step;
  step.labels = columns_of(documents, (t - 1) / steps_per_epoch_);
  for (const JudgedDocument* document : documents) {
    step.documents.push_back(document->document);
    step.rows.push_back(row_of(*document, step.labels, t));
  }
  return step;
}

std::vector<size_t> JudgedPlan::draw_labels(const JudgedDocument& document, int64_t epoch) const {
  std::vector<size_t> positives, others;
  for (size_t i = 0; i < document.labels.size(); ++i) (document.labels[i].use == PairUse::positive ? positives : others).push_back(i);
  const auto most = static_cast<size_t>(judged_per_step_);
  if (most > 0 && document.labels.size() > most) {
    shuffle(positives, detail::random_key(seed_, "positives of a step", {cycle_, epoch, document.document}));
    shuffle(others, detail::random_key(seed_, "others of a step", {cycle_, epoch, document.document}));
    // Half of each, or more of one where the other has too few.
    const size_t of_positives = std::min(positives.size(), std::max((most + 1) / 2, most - std::min(most, others.size())));
    positives.resize(of_positives);
    others.resize(most - of_positives);
  }
  positives.insert(positives.end(), others.begin(), others.end());
  return positives;
}

std::vector<int64_t> JudgedPlan::columns_of(std::span<const JudgedDocument* const> documents, int64_t epoch) const {
  std::vector<int64_t> columns;
  for (const JudgedDocument* document : documents) {
    for (const size_t i : draw_labels(*document, epoch)) columns.push_back(document->labels[i].label);
  }
  sort_distinct(columns);
  return columns;
}

JudgedRow JudgedPlan::row_of(const JudgedDocument& document, std::span<const int64_t> columns, int64_t t) const {
  JudgedRow row;
  for (const JudgedLabel& label : document.labels) {
    const int64_t column = find_column(columns, label.label);
    if (column >= 0) row.judged.push_back({column, label.target, label.weight, label.use});
  }
  const auto is_judged = [&](int64_t column) {
    return std::binary_search(row.judged.begin(), row.judged.end(), JudgedEntry{column}, [](const auto& a, const auto& b) { return a.column < b.column; });
  };
  const size_t near = std::min(document.near.size(), static_cast<size_t>(mask_near_));
  for (const int32_t label : std::span(document.near).first(near)) {
    const int64_t column = find_column(columns, label);
    if (column >= 0 && !is_judged(column)) row.near.push_back(column);
  }
  sort_distinct(row.near);
  if (far_labels_ > 0) row.listed = draw_far(row, static_cast<int64_t>(columns.size()), document.document, t);
  return row;
}

std::vector<int64_t> JudgedPlan::draw_far(const JudgedRow& row, int64_t num_columns, int64_t document, int64_t t) const {
  std::vector<bool> is_far(static_cast<size_t>(num_columns), true);
  for (const JudgedEntry& entry : row.judged) is_far[static_cast<size_t>(entry.column)] = false;
  for (const int64_t column : row.near) is_far[static_cast<size_t>(column)] = false;
  std::vector<int64_t> far;
  for (int64_t column = 0; column < num_columns; ++column) {
    if (is_far[static_cast<size_t>(column)]) far.push_back(column);
  }
  shuffle(far, detail::random_key(seed_, "far labels", {cycle_, t, document}));
  far.resize(std::min(far.size(), static_cast<size_t>(far_labels_)));
  std::sort(far.begin(), far.end());
  return far;
}

void JudgedPlan::add_to(detail::Hasher& key) const {
  key.add(cycle_).add(num_documents());
  for (const JudgedDocument* document : usable_) {
    key.add(document->document).add(static_cast<int64_t>(document->labels.size())).add(static_cast<int64_t>(document->near.size()));
    for (const JudgedLabel& label : document->labels) {
      key.add(label.label).add(static_cast<int64_t>(label.use));
      for (const double number : {label.target, label.weight}) key.add_raw(&number, sizeof number);
    }
    key.add_raw(document->near.data(), document->near.size() * sizeof(int32_t));
  }
}

}  // namespace lmtx
