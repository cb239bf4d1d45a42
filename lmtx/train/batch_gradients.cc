#include "lmtx/train/batch_gradients.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <optional>
#include <span>

#include "lmtx/detail/random.h"
#include "lmtx/detail/to_tensor.h"
#include "lmtx/nn/dropout.h"
#include "lmtx/nn/ops.h"
#include "lmtx/stopped.h"
#include "lmtx/text/token_batch.h"

namespace lmtx {

namespace {

// Texts that may share a part.
struct Group {
  // Of the batch.
  std::vector<int64_t> rows;
  std::vector<std::span<const int32_t>> texts;
  const char* purpose;
  int64_t unpooled = 0;

  void add(const std::vector<std::vector<int32_t>>& sequences, int64_t first_row) {
    for (const auto& sequence : sequences) {
      rows.push_back(first_row++);
      texts.emplace_back(sequence);
    }
  }
};

std::vector<Group> group_texts(const TrainingBatch& batch, at::Device device) {
  const auto num_left = static_cast<int64_t>(batch.left.size());
  Group left{{}, {}, "documents", batch.left_unpooled}, right{{}, {}, "labels", batch.right_unpooled};
  left.add(batch.left, 0);
  // On the CPU long and short texts go one after the other through the caches.
  if (device.is_cuda() && left.unpooled == right.unpooled) {
    left.purpose = "texts";
    left.add(batch.right, num_left);
    return {left};
  }
  right.add(batch.right, num_left);
  return {left, right};
}

int64_t num_tokens(const std::vector<Group>& groups) {
  int64_t tokens = 0;
  for (const Group& group : groups) {
    for (const auto& text : group.texts) tokens += static_cast<int64_t>(text.size());
  }
  return tokens;
}

void add_parts(const Group& group, uint64_t dropout_key, PreparedBatch& batch, std::vector<int64_t>& order) {
  std::vector<int64_t> lengths;
  for (const auto& text : group.texts) lengths.push_back(static_cast<int64_t>(text.size()));
  int64_t number = 0;
  for (const std::vector<int64_t>& members : plan_batches(lengths, batch.options.token_budget)) {
    std::vector<std::span<const int32_t>> texts;
    std::vector<int64_t> rows;
    for (const int64_t member : members) {
      texts.push_back(group.texts[static_cast<size_t>(member)]);
      rows.push_back(group.rows[static_cast<size_t>(member)]);
    }
    batch.parts.push_back({pack(texts), detail::to_tensor(rows), detail::random_key(dropout_key, group.purpose, {number++})});
    batch.parts.back().tokens.unpooled = group.unpooled;
    order.insert(order.end(), rows.begin(), rows.end());
  }
}

void pin_memory(PreparedBatch& batch) {
  for (PreparedBatch::Part& part : batch.parts) {
    for (at::Tensor* tensor : {&part.tokens.ids, &part.tokens.offsets, &part.rows}) *tensor = tensor->pin_memory();
  }
  batch.positions = batch.positions.pin_memory();
  batch.loss = batch.loss->pinned();
}

// The same with its tensors on the device.
PreparedBatch moved(const PreparedBatch& batch, at::Device device) {
  PreparedBatch there = batch;
  for (PreparedBatch::Part& part : there.parts) {
    for (at::Tensor* tensor : {&part.tokens.ids, &part.tokens.offsets, &part.rows}) *tensor = tensor->to(device, /*non_blocking=*/true);
  }
  there.positions = batch.positions.to(device, /*non_blocking=*/true);
  there.loss = batch.loss->to(device);
  return there;
}

// Zero where the loss does not depend on it.
at::Tensor gradient_of(const at::Tensor& vectors) { return vectors.grad().defined() ? vectors.grad() : at::zeros_like(vectors); }

class BatchGradients {
 public:
  BatchGradients(TrainingNetwork& network, const PreparedBatch& batch, at::Device device, const std::stop_token& stop)
      : network_(network), batch_(moved(batch, device)), device_(device), stop_(stop) {}

  at::Tensor add() {
    std::vector<at::Tensor> vectors = embed_all();
    const auto [loss, gradient] = loss_and_gradient(vectors);
    for (size_t i = 0; i < batch_.parts.size(); ++i) {
      const at::Tensor part = batch_.whole ? std::move(vectors[i]) : embed(batch_.parts[i]);
      part.backward(gradient.index_select(0, batch_.parts[i].rows));
    }
    return loss;
  }

 private:
  // Unit rows [n, dim] in the order of the part.
  at::Tensor embed(const PreparedBatch::Part& part) const {
    check_stop(stop_);
    std::optional<Dropout> dropout;
    if (batch_.options.dropout) dropout.emplace(part.dropout_key, device_);
    return ops::normalize(network_.forward(part.tokens, dropout ? &*dropout : nullptr, stop_));
  }

  // With a way back only where all parts fit at once.
  std::vector<at::Tensor> embed_all() const {
    const at::AutoGradMode with_gradients(batch_.whole);
    std::vector<at::Tensor> vectors;
    for (const PreparedBatch::Part& part : batch_.parts) vectors.push_back(embed(part));
    return vectors;
  }

  struct LossAndGradient {
    at::Tensor loss;
    // [B + C, dim]: with respect to the vectors of the batch.
    at::Tensor gradient;
  };

  LossAndGradient loss_and_gradient(const std::vector<at::Tensor>& vectors) const {
    const int64_t num_left = batch_.num_left, num_right = batch_.positions.size(0) - num_left;
    const at::Tensor all = vectors.size() == 1 ? vectors.front().detach() : at::cat(vectors).detach();
    const at::Tensor left = all.index_select(0, batch_.positions.narrow(0, 0, num_left)).requires_grad_();
    const at::Tensor right = all.index_select(0, batch_.positions.narrow(0, num_left, num_right)).requires_grad_();
    const at::Tensor loss = batch_.loss->loss(left, right);
    loss.backward();
    return {loss.detach(), at::cat({gradient_of(left), gradient_of(right)})};
  }

  TrainingNetwork& network_;
  const PreparedBatch batch_;
  const at::Device device_;
  const std::stop_token& stop_;
};

}  // namespace

int64_t PreparedBatch::smaller_budget() const {
  int64_t largest = 0;
  bool single = true;
  for (const Part& part : parts) {
    largest = std::max(largest, part.tokens.num_tokens());
    single = single && part.tokens.size() == 1;
  }
  return single ? 0 : std::max<int64_t>(1, std::min(largest, options.token_budget) / 2);
}

PreparedBatch prepare_batch(const TrainingBatch& batch, const BatchGradientOptions& options, at::Device device) {
  PreparedBatch prepared;
  prepared.options = options;
  prepared.num_left = static_cast<int64_t>(batch.left.size());
  prepared.loss = batch.loss;
  const std::vector<Group> groups = group_texts(batch, device);
  prepared.whole = num_tokens(groups) <= options.token_budget;
  // Rows of the batch in the order of the parts' texts.
  std::vector<int64_t> order;
  for (const Group& group : groups) add_parts(group, batch.dropout_key, prepared, order);
  std::vector<int64_t> positions(order.size());
  for (size_t i = 0; i < order.size(); ++i) positions[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  prepared.positions = detail::to_tensor(positions);
  if (device.is_cuda()) pin_memory(prepared);
  return prepared;
}

at::Tensor add_batch_gradients(TrainingNetwork& network, const PreparedBatch& batch, at::Device device, const std::stop_token& stop) {
  return BatchGradients(network, batch, device, stop).add();
}

}  // namespace lmtx
