#include "lmtx/train/unsupervised/pair_steps.h"

#include <algorithm>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/train/unsupervised/contrastive_loss.h"

namespace lmtx {

PairSource::~PairSource() = default;

PairSteps::PairSteps(std::shared_ptr<const PairSource> pairs, PairStepsOptions options) : pairs_(std::move(pairs)), options_(std::move(options)) {
  for (int64_t epoch = 0; epoch < options_.epochs; ++epoch) {
    const int64_t size = pairs_->size(epoch);
    first_steps_.push_back(first_steps_.back() + (size == 0 ? 0 : std::max<int64_t>(1, size / options_.batch_size)));
  }
}

TrainingBatch PairSteps::batch(int64_t t) const {
  const int64_t epoch = std::upper_bound(first_steps_.begin(), first_steps_.end(), t - 1) - first_steps_.begin() - 1;
  const int64_t size = pairs_->size(epoch), first = (t - 1 - first_steps_[static_cast<size_t>(epoch)]) * options_.batch_size;
  if (epoch != drawn_epoch_) {
    order_ = detail::permutation(size, detail::random_key(options_.seed, "pair order of " + options_.name, {epoch}));
    drawn_epoch_ = epoch;
  }
  const std::span<const int64_t> numbers(order_.data() + first, static_cast<size_t>(std::min(options_.batch_size, size - first)));
  TrainingBatch batch{.left_unpooled = options_.unpooled,
                      .right_unpooled = options_.unpooled,
                      .dropout_key = detail::random_key(options_.seed, "dropout of " + options_.name, {t})};
  std::vector<ContrastRow> rows;
  for (TokenPair& pair : pairs_->take(epoch, numbers)) {
    rows.push_back({.owner = pair.owner, .left = text_key(pair.left), .right = text_key(pair.right)});
    batch.left.push_back(std::move(pair.left));
    batch.right.push_back(std::move(pair.right));
  }
  batch.loss = std::make_shared<ContrastiveLoss>(std::vector{in_batch_term(rows, options_.mask_duplicates)}, options_.temperature);
  return batch;
}

void PairSteps::add_to(detail::Hasher& key) const {
  key.add("pairs 1").add(options_.name).add(options_.unpooled);
  for (const int64_t steps : first_steps_) key.add(steps);
  pairs_->add_to(key);
}

}  // namespace lmtx
