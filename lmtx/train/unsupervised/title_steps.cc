#include "lmtx/train/unsupervised/title_steps.h"

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/train/unsupervised/contrastive_loss.h"

namespace lmtx {

namespace {

std::vector<int32_t> tokens_of(const TokenFile& file, int64_t i) { return {file[i].begin(), file[i].end()}; }

int64_t steps_per_epoch(int64_t documents, int64_t batch_size) { return documents / std::min(documents, batch_size); }

}  // namespace

int64_t num_title_steps(int64_t documents, const TrainerOptions& options) {
  if (documents == 0) return 0;
  const int64_t a_pass = steps_per_epoch(documents, options.batch_size);
  const int64_t steps = std::max(options.epochs * a_pass, std::min(options.steps, options.max_epochs * a_pass));
  return options.max_steps == 0 ? steps : std::min(steps, options.max_steps);
}

TitleSteps::TitleSteps(const TitleTexts& texts, TitleStepsPart part, const TrainerOptions& options) : texts_(texts), part_(std::move(part)), options_(options) {
  const auto documents = static_cast<int64_t>(part_.places.size());
  if (documents == 0) return;
  batch_size_ = std::min(documents, options.batch_size);
  steps_per_epoch_ = steps_per_epoch(documents, options.batch_size);
}

const std::vector<int64_t>& TitleSteps::order_of(int64_t epoch) const {
  if (epoch != drawn_epoch_) {
    order_ = detail::permutation(static_cast<int64_t>(part_.places.size()), detail::random_key(options_.seed, "title order", {epoch}));
    drawn_epoch_ = epoch;
  }
  return order_;
}

// Different ones; all where there are no more than are wanted.
std::vector<int64_t> TitleSteps::draw_labels(int64_t step) const {
  const auto all = static_cast<int64_t>(texts_.label_numbers.size());
  if (options_.random_labels >= all) return texts_.label_numbers;
  detail::KeyedRandom random(detail::random_key(options_.seed, "random labels", {step}));
  std::unordered_set<int64_t> drawn;
  std::vector<int64_t> labels;
  while (static_cast<int64_t>(labels.size()) < options_.random_labels) {
    const int64_t place = random.below(all);
    if (drawn.insert(place).second) labels.push_back(texts_.label_numbers[static_cast<size_t>(place)]);
  }
  return labels;
}

TrainingBatch TitleSteps::batch(int64_t t) const {
  const int64_t step = part_.first_step + t, epoch = (step - 1) / steps_per_epoch_, first = (step - 1) % steps_per_epoch_ * batch_size_;
  TrainingBatch batch{
      .left_unpooled = texts_.unpooled, .right_unpooled = texts_.unpooled, .dropout_key = detail::random_key(options_.seed, "title dropout", {step})};
  ClusteredRows rows;
  for (const int64_t drawn : std::span(order_of(epoch)).subspan(static_cast<size_t>(first), static_cast<size_t>(batch_size_))) {
    const int64_t place = part_.places[static_cast<size_t>(drawn)];
    batch.left.push_back(tokens_of(texts_.contents, place));
    batch.right.push_back(tokens_of(texts_.titles, place));
    rows.rows.push_back({.owner = texts_.documents[static_cast<size_t>(place)], .left = text_key(batch.left.back()), .right = text_key(batch.right.back())});
    if (!part_.clusters.empty()) rows.clusters.push_back(part_.clusters[static_cast<size_t>(drawn)]);
  }
  if (options_.regularization > 0) {
    batch.right.insert(batch.right.end(), batch.left.begin(), batch.left.end());
    for (const int64_t label : draw_labels(step)) {
      batch.right.push_back(tokens_of(texts_.labels, label));
      rows.labels.push_back(text_key(batch.right.back()));
    }
  }
  batch.loss = std::make_shared<ContrastiveLoss>(clustered_terms(rows, options_.regularization, options_.mask_duplicates), options_.temperature);
  return batch;
}

void TitleSteps::add_to(detail::Hasher& key) const {
  key.add("titles 1");
  for (const int64_t number : {part_.first_step, part_.num_steps, texts_.unpooled, static_cast<int64_t>(part_.places.size())}) key.add(number);
  for (const int64_t place : part_.places) key.add(place);
  for (const int64_t cluster : part_.clusters) key.add(cluster);
}

}  // namespace lmtx
