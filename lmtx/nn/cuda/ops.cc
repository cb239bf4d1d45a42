#include "lmtx/nn/cuda/ops.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros_like.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <tuple>

#include "lmtx/nn/cuda/with_type.h"

namespace lmtx::cuda {
namespace {

cudaStream_t stream() { return c10::cuda::getCurrentCUDAStream(); }

template <class T>
const T* input(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<const T*>(tensor.const_data_ptr()) : nullptr;
}

template <class T>
T* output(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.mutable_data_ptr()) : nullptr;
}

NormPointers pointers(const ops::LayerNorm& norm) { return {input<float>(norm.weight), input<float>(norm.bias), static_cast<float>(norm.eps)}; }

EmbeddingPointers pointers(const ops::Embeddings& embeddings) {
  return {input<float>(embeddings.words), input<float>(embeddings.positions), input<float>(embeddings.token_type)};
}

at::Tensor floats(at::IntArrayRef sizes, const at::Tensor& like) { return at::empty(sizes, like.options().dtype(at::kFloat)); }

// The sums of a matrix' columns, float32 [columns].
at::Tensor column_sums(const at::Tensor& partial) {
  const at::Tensor sums = floats({partial.size(1)}, partial);
  sum_rows(input<float>(partial), output<float>(sums), partial.size(0), partial.size(1), stream());
  return sums;
}

// Rows of `gradient` are added to the rows of the parameter's gradient that `keys`, int32 [T], name.
void add_rows(const at::Tensor& gradient, const at::Tensor& keys, const at::Tensor& parameter) {
  if (!parameter.mutable_grad().defined()) parameter.mutable_grad() = at::zeros_like(parameter);
  const auto [sorted, order] = at::sort(keys, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  const int64_t tokens = gradient.size(0), dim = gradient.size(1);
  const at::Tensor partial = floats({gather_chunks(tokens), 2, dim}, gradient);
  with_type(gradient.scalar_type(), [&](auto type) {
    using T = decltype(type);
    add_rows_by_key(input<T>(gradient), input<int32_t>(sorted), input<int64_t>(order), output<float>(parameter.grad()), output<float>(partial), tokens, dim,
                    stream());
  });
}

}  // namespace

DropoutMask draw_mask(Dropout* dropout, double p) { return dropout == nullptr || p == 0 ? DropoutMask{} : mask_of(dropout->next_stream(), p); }

DropoutMask mask_of(uint64_t stream, double p) {
  if (p == 0) return {};
  constexpr double range = 1 << 16;
  const auto threshold = static_cast<uint32_t>(std::min<int64_t>(std::llround(p * range), (1 << 16) - 1));
  return {stream, threshold, static_cast<float>(range / (range - threshold))};
}

at::Tensor token_positions(const TokenBatch& batch, std::optional<int64_t> padding_id) {
  const at::Tensor positions = at::empty_like(batch.ids);
  token_positions(input<int32_t>(batch.ids), input<int32_t>(batch.offsets), batch.size(), padding_id.value_or(-1), output<int32_t>(positions), stream());
  return positions;
}

at::Tensor embed_norm(const TokenBatch& batch, const at::Tensor& positions, const ops::Embeddings& embeddings, const ops::LayerNorm& norm,
                      const DropoutMask& mask, at::ScalarType dtype) {
  const int64_t dim = embeddings.words.size(1);
  const at::Tensor out = at::empty({batch.num_tokens(), dim}, embeddings.words.options().dtype(dtype));
  with_type(dtype, [&](auto type) {
    using T = decltype(type);
    embed_norm(input<int32_t>(batch.ids), input<int32_t>(positions), pointers(embeddings), pointers(norm), mask, output<T>(out), batch.num_tokens(), dim,
               stream());
  });
  return out;
}

void embed_norm_backward(const TokenBatch& batch, const at::Tensor& positions, const ops::Embeddings& embeddings, const ops::LayerNorm& norm,
                         const DropoutMask& mask, const at::Tensor& gradient) {
  const int64_t tokens = gradient.size(0), dim = gradient.size(1);
  const at::Tensor partial = floats({partial_rows(tokens), 3 * dim}, gradient);
  with_type(gradient.scalar_type(), [&](auto type) {
    using T = decltype(type);
    embed_norm_backward(input<int32_t>(batch.ids), input<int32_t>(positions), pointers(embeddings), pointers(norm), mask, output<T>(gradient),
                        output<float>(partial), tokens, dim, stream());
  });
  const at::Tensor sums = column_sums(partial).view({3, dim});
  add_gradient(norm.weight, sums[0]);
  add_gradient(norm.bias, sums[1]);
  add_rows(gradient, batch.ids, embeddings.words);
  if (embeddings.positions.defined()) add_rows(gradient, positions, embeddings.positions);
  if (!embeddings.token_type.defined()) return;
  const at::Tensor type_gradient = at::zeros_like(embeddings.token_type);
  type_gradient.select(0, 0).copy_(sums[2]);
  add_gradient(embeddings.token_type, type_gradient);
}

Sum add_norm(const at::Tensor& residual, const at::Tensor& branch, const at::Tensor& bias, const ops::LayerNorm& norm, const DropoutMask& mask, Keep keep) {
  const Sum out{.sum = keep == Keep::norm ? at::Tensor() : branch,
                .norm = at::empty_like(branch),
                .moments = keep == Keep::moments ? floats({branch.size(0), 2}, branch) : at::Tensor()};
  with_type(branch.scalar_type(), [&](auto type) {
    using T = decltype(type);
    add_norm(input<T>(residual), input<T>(branch), input<float>(bias), pointers(norm), mask, output<T>(out.sum), output<T>(out.norm),
             output<float>(out.moments), branch.size(0), branch.size(1), stream());
  });
  return out;
}

SumGradient add_norm_backward(const Sum& sum, const at::Tensor& gradient, const at::Tensor& direct, const at::Tensor& bias, const ops::LayerNorm& norm,
                              const DropoutMask& mask) {
  const int64_t rows = sum.sum.size(0), dim = sum.sum.size(1);
  SumGradient out{.residual = at::empty_like(sum.sum), .branch = {}};
  out.branch = mask.threshold == 0 ? out.residual : at::empty_like(sum.sum);
  const at::Tensor partial = floats({partial_rows(rows), 3 * dim}, sum.sum);
  with_type(sum.sum.scalar_type(), [&](auto type) {
    using T = decltype(type);
    add_norm_backward(input<T>(sum.sum), input<T>(gradient), input<T>(direct), input<float>(sum.moments), input<float>(norm.weight), mask,
                      output<T>(out.residual), output<T>(out.branch), output<float>(partial), rows, dim, stream());
  });
  const at::Tensor sums = column_sums(partial).view({3, dim});
  add_gradient(norm.weight, sums[0]);
  add_gradient(norm.bias, sums[1]);
  add_gradient(bias, sums[2]);
  return out;
}

at::Tensor activate(const at::Tensor& x, const at::Tensor& bias, Activation activation, bool gated, const DropoutMask& mask) {
  const int64_t width = gated ? x.size(1) / 2 : x.size(1);
  const at::Tensor out = at::empty({x.size(0), width}, x.options());
  with_type(x.scalar_type(), [&](auto type) {
    using T = decltype(type);
    activate(input<T>(x), input<float>(bias), activation, gated, mask, output<T>(out), x.size(0), width, stream());
  });
  return out;
}

at::Tensor activate_backward(const at::Tensor& x, const at::Tensor& bias, Activation activation, bool gated, const DropoutMask& mask,
                             const at::Tensor& gradient) {
  const int64_t rows = x.size(0), width = gradient.size(1);
  const at::Tensor out = gated ? at::empty_like(x) : gradient;
  const at::Tensor partial = floats({activation_partial_rows(rows, x.size(1)), x.size(1)}, x);
  with_type(x.scalar_type(), [&](auto type) {
    using T = decltype(type);
    activate_backward(input<T>(x), input<float>(bias), activation, gated, mask, input<T>(gradient), output<T>(out), output<float>(partial), rows, width,
                      stream());
  });
  if (bias.defined()) add_gradient(bias, column_sums(partial));
  return out;
}

void rotate(const at::Tensor& x, const at::Tensor& positions, const at::Tensor& frequencies, bool back, int64_t columns, int64_t head_dim) {
  with_type(x.scalar_type(), [&](auto type) {
    using T = decltype(type);
    rotate(output<T>(x), input<int32_t>(positions), input<float>(frequencies), back, x.size(0), columns, x.stride(0), head_dim, stream());
  });
}

std::pair<at::Tensor, at::Tensor> join_heads(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  const int64_t tokens = query.size(0), dim = query.size(1);
  const at::Tensor out = at::empty({tokens, 3 * dim}, query.options());
  const at::Tensor partial = floats({activation_partial_rows(tokens, 3 * dim), 3 * dim}, query);
  with_type(query.scalar_type(), [&](auto type) {
    using T = decltype(type);
    join_heads(input<T>(query), input<T>(key), input<T>(value), output<T>(out), output<float>(partial), tokens, dim, stream());
  });
  return {out, column_sums(partial)};
}

at::Tensor pool(const at::Tensor& hidden, const TokenBatch& batch, std::span<const PoolingMode> modes) {
  const int64_t dim = hidden.size(1), stride = dim * static_cast<int64_t>(modes.size());
  const at::Tensor out = floats({batch.size(), stride}, hidden);
  with_type(hidden.scalar_type(), [&](auto type) {
    using T = decltype(type);
    for (size_t i = 0; i < modes.size(); ++i) {
      pool(input<T>(hidden), input<int32_t>(batch.offsets), modes[i], batch.unpooled, output<float>(out) + static_cast<int64_t>(i) * dim, batch.size(), dim,
           stride, stream());
    }
  });
  return out;
}

at::Tensor pool_backward(const at::Tensor& hidden, const TokenBatch& batch, std::span<const PoolingMode> modes, const at::Tensor& gradient) {
  const int64_t dim = hidden.size(1), stride = dim * static_cast<int64_t>(modes.size());
  const at::Tensor out = at::empty_like(hidden);
  with_type(hidden.scalar_type(), [&](auto type) {
    using T = decltype(type);
    for (size_t i = 0; i < modes.size(); ++i) {
      pool_backward(input<T>(hidden), input<int32_t>(batch.offsets), modes[i], batch.unpooled, input<float>(gradient) + static_cast<int64_t>(i) * dim, i > 0,
                    output<T>(out), batch.size(), dim, stride, stream());
    }
  });
  return out;
}

void add_gradient(const at::Tensor& parameter, const at::Tensor& gradient) {
  if (!parameter.defined()) return;
  at::Tensor& sum = parameter.mutable_grad();
  if (sum.defined()) {
    sum.add_(gradient);
  } else {
    sum = gradient;
  }
}

}  // namespace lmtx::cuda
