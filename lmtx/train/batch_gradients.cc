#include "lmtx/train/batch_gradients.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <optional>
#include <span>

#include "lmtx/detail/random.h"
#include "lmtx/nn/dropout.h"
#include "lmtx/nn/ops.h"
#include "lmtx/stopped.h"
#include "lmtx/text/token_batch.h"

namespace lmtx {

namespace {

using Sequences = std::vector<std::vector<int32_t>>;

// Some documents or some labels of a batch, embedded at once.
struct Part {
  TokenBatch tokens;
  // int64: row i of the part belongs into row rows[i] of the batch.
  at::Tensor rows;
  uint64_t dropout_key = 0;
};

struct Parts {
  std::vector<Part> documents, labels;
};

std::vector<int64_t> lengths_of(const Sequences& sequences) {
  std::vector<int64_t> lengths;
  for (const auto& sequence : sequences) lengths.push_back(static_cast<int64_t>(sequence.size()));
  return lengths;
}

int64_t num_tokens(const Sequences& sequences) {
  int64_t tokens = 0;
  for (const auto& sequence : sequences) tokens += static_cast<int64_t>(sequence.size());
  return tokens;
}

std::vector<Part> make_parts(const Sequences& sequences, const char* purpose, int64_t unpooled, const BatchGradientOptions& options, at::Device device) {
  std::vector<Part> parts;
  for (const std::vector<int64_t>& rows : plan_batches(lengths_of(sequences), options.token_budget)) {
    std::vector<std::span<const int32_t>> spans;
    for (const int64_t row : rows) spans.emplace_back(sequences[row]);
    const int64_t number = static_cast<int64_t>(parts.size());
    parts.push_back({pack(spans, device), at::tensor(rows, at::kLong).to(device), detail::random_key(options.dropout_key, purpose, {number})});
    parts.back().tokens.unpooled = unpooled;
  }
  return parts;
}

class BatchGradients {
 public:
  BatchGradients(const SentenceModel& model, const TrainingBatch& batch, const BatchGradientOptions& options, const std::stop_token& stop)
      : model_(model), batch_(batch), options_(options), stop_(stop) {}

  double add() {
    const bool whole = num_tokens(batch_.documents) + num_tokens(batch_.labels) <= options_.token_budget;
    const Parts parts{make_parts(batch_.documents, "documents", options_.document_unpooled, options_, model_.device()),
                      make_parts(batch_.labels, "labels", options_.label_unpooled, options_, model_.device())};
    return whole ? add_whole(parts) : add_in_parts(parts);
  }

 private:
  double add_whole(const Parts& parts) {
    const at::Tensor loss = loss_of(in_batch_order(parts.documents.front()), in_batch_order(parts.labels.front()));
    loss.backward();
    return loss.item<double>();
  }

  double add_in_parts(const Parts& parts) {
    const at::Tensor documents = embed_all(parts.documents), labels = embed_all(parts.labels);
    const at::Tensor loss = loss_of(documents, labels);
    loss.backward();
    pass_on(parts.documents, documents.grad());
    pass_on(parts.labels, labels.grad());
    return loss.item<double>();
  }

  at::Tensor loss_of(const at::Tensor& documents, const at::Tensor& labels) const {
    return triplet_loss(documents, labels, batch_.is_yes.to(documents.device()), options_.loss);
  }

  // Unit rows [n, dim] in the order of the part.
  at::Tensor embed(const Part& part) const {
    check_stop(stop_);
    std::optional<Dropout> dropout;
    if (options_.dropout) dropout.emplace(part.dropout_key, model_.device());
    return ops::normalize(model_.forward(part.tokens, dropout ? &*dropout : nullptr, stop_));
  }

  // Of a part that holds all rows.
  at::Tensor in_batch_order(const Part& part) const { return embed(part).index_select(0, part.rows.argsort()); }

  // Vectors of all parts [B, dim] without history, ready to collect a gradient.
  at::Tensor embed_all(const std::vector<Part>& parts) const {
    const at::NoGradGuard no_grad;
    at::Tensor all;
    for (const Part& part : parts) {
      const at::Tensor vectors = embed(part);
      if (!all.defined()) all = at::empty({static_cast<int64_t>(batch_.documents.size()), vectors.size(1)}, vectors.options());
      all.index_copy_(0, part.rows, vectors);
    }
    return all.requires_grad_();
  }

  void pass_on(const std::vector<Part>& parts, const at::Tensor& gradient) const {
    for (const Part& part : parts) embed(part).backward(gradient.index_select(0, part.rows));
  }

  const SentenceModel& model_;
  const TrainingBatch& batch_;
  const BatchGradientOptions& options_;
  const std::stop_token& stop_;
};

}  // namespace

double add_batch_gradients(const SentenceModel& model, const TrainingBatch& batch, const BatchGradientOptions& options, const std::stop_token& stop) {
  return BatchGradients(model, batch, options, stop).add();
}

}  // namespace lmtx
