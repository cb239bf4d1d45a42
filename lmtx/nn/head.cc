#include "lmtx/nn/head.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/nn/ops.h"

namespace lmtx {

Head::Head(const ModelFolder& folder, int64_t dim, Weights& weights) : modes_(folder.pooling.modes), dim_(folder.pooling.pooled_dim(dim)) {
  for (size_t i = 0; i < folder.dense.size(); ++i) {
    const DenseSettings& settings = folder.dense[i];
    const std::string place = dense_folder(i);
    if (settings.in != dim_) {
      throw std::runtime_error(folder.path.string() + ": `in_features` of module " + std::to_string(i + 2) + ", Dense, must be " + std::to_string(dim_) +
                               ", the numbers in a vector before it, but is " + std::to_string(settings.in) + " instead.");
    }
    Dense dense{.settings = settings, .linear = take_linear(weights, place + "/linear", settings.in, settings.out, settings.bias), .residual = {}};
    if (settings.residual && settings.in != settings.out) dense.residual = take_linear(weights, place + "/residual", settings.in, settings.out, /*bias=*/false);
    dense_.push_back(std::move(dense));
    dim_ = settings.out;
  }
}

at::Tensor Head::operator()(const at::Tensor& hidden, const TokenBatch& batch) const {
  return finish(ops::pool(hidden, batch, modes_));
}

at::Tensor Head::finish(const at::Tensor& pooled) const {
  at::Tensor vectors = pooled;
  for (const Dense& dense : dense_) vectors = apply(dense, vectors);
  return vectors;
}

at::Tensor Head::apply(const Dense& dense, const at::Tensor& vectors) {
  const at::Tensor out = ops::bias_activation(ops::linear(vectors, dense.linear.weight, {}), dense.linear.bias, dense.settings.activation);
  if (!dense.settings.residual) return out;
  return ops::residual(dense.residual.weight.defined() ? ops::linear(vectors, dense.residual.weight, {}) : vectors, out, 0, nullptr);
}

}  // namespace lmtx
