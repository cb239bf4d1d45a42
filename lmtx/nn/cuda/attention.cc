#include "lmtx/nn/cuda/attention.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "lmtx/detail/random.h"
#include "lmtx/nn/cuda/kernels.h"
#include "lmtx/nn/cuda/ops.h"
#include "lmtx/nn/cuda/with_type.h"

namespace lmtx::cuda {
namespace {

// The default generator of the card starts at `key` while this lives: flash attention draws its masks from it and from nothing else. One at a time in a
// process; who draws from the generator in the meantime without LMTX disturbs the masks.
class KeyedDraws {
 public:
  KeyedDraws(uint64_t key, at::Device device) : alone_(mutex()), generator_(at::cuda::detail::getDefaultCUDAGenerator(device.index())) {
    const std::lock_guard lock(generator_.mutex());
    seed_ = generator_.current_seed();
    offset_ = generator_.get_offset();
    set(key, 0);
  }
  ~KeyedDraws() {
    const std::lock_guard lock(generator_.mutex());
    set(seed_, offset_);
  }
  KeyedDraws(const KeyedDraws&) = delete;
  KeyedDraws& operator=(const KeyedDraws&) = delete;

 private:
  void set(uint64_t seed, uint64_t offset) {
    generator_.set_current_seed(seed);
    generator_.set_offset(offset);
  }

  // Not the generator's own, which torch takes when it draws.
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }

  const std::lock_guard<std::mutex> alone_;
  at::Generator generator_;
  uint64_t seed_ = 0, offset_ = 0;
};

// Where deterministic algorithms are asked for, flash attention's way back takes its own only if nothing else were allowed.
class StrictDeterminism {
 public:
  StrictDeterminism() : asked_(context().deterministicAlgorithms()), warn_only_(context().deterministicAlgorithmsWarnOnly()) {
    if (asked_) context().setDeterministicAlgorithms(true, /*warn_only=*/false);
  }
  ~StrictDeterminism() {
    if (asked_) context().setDeterministicAlgorithms(true, warn_only_);
  }
  StrictDeterminism(const StrictDeterminism&) = delete;
  StrictDeterminism& operator=(const StrictDeterminism&) = delete;

 private:
  static at::Context& context() { return at::globalContext(); }

  const bool asked_, warn_only_;
};

int64_t dim_of(const at::Tensor& qkv) { return qkv.size(1) / 3; }
int64_t head_dim(const AttentionCall& call, const at::Tensor& qkv) { return dim_of(qkv) / call.num_heads; }

// Part 0, 1 or 2 of qkv as [T, heads, head_dim], a view.
at::Tensor heads_of(const AttentionCall& call, const at::Tensor& qkv, int64_t part) {
  return qkv.view({qkv.size(0), 3, call.num_heads, head_dim(call, qkv)}).select(1, part);
}

at::Tensor part_of(const at::Tensor& qkv, int64_t part) { return qkv.narrow(1, part * dim_of(qkv), dim_of(qkv)); }

double scale_of(const AttentionCall& call, const at::Tensor& qkv) { return 1 / std::sqrt(static_cast<double>(head_dim(call, qkv))); }

std::optional<int64_t> window_of(const AttentionCall& call) { return call.layer.window; }

bool has_short_kernel(const AttentionCall& call, const at::Tensor& qkv) {
  const int64_t size = head_dim(call, qkv);
  return size == 8 || size == 16 || size == 32 || size == 64;
}

bool fits_flash(const AttentionCall& call, const at::Tensor& qkv) {
  const int64_t size = head_dim(call, qkv);
  return !call.positions.bias.defined() && size % 8 == 0 && size <= 256;
}

// The first of the sequences that the kernel of short ones takes.
int64_t first_short(const AttentionCall& call, const at::Tensor& qkv) {
  return has_short_kernel(call, qkv) ? call.positions.short_ones.first(call.batch.size()) : call.batch.size();
}

ShortAttention short_part(const AttentionCall& call, const at::Tensor& qkv, const ShortSequences::Class& part, const DropoutMask& mask) {
  const at::Tensor& bias = call.positions.bias;
  return {.offsets = call.batch.offsets.const_data_ptr<int32_t>(),
          .first = part.first,
          .sequences = part.end - part.first,
          .max_length = part.length,
          .heads = call.num_heads,
          .head_dim = head_dim(call, qkv),
          .scale = static_cast<float>(scale_of(call, qkv)),
          .window = window_of(call).value_or(-1),
          .bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
          .bias_length = bias.defined() ? bias.size(1) : 0,
          .mask = mask};
}

// The classes of short sequences, or none where their kernel has no heads of this size.
std::span<const ShortSequences::Class> short_classes(const AttentionCall& call, const at::Tensor& qkv) {
  if (!has_short_kernel(call, qkv)) return {};
  return call.positions.short_ones.classes;
}

// Their rows of `out`.
void attend_short(const AttentionCall& call, const at::Tensor& qkv, const DropoutMask& mask, const at::Tensor& out) {
  for (const ShortSequences::Class& part : short_classes(call, qkv)) {
    with_type(qkv.scalar_type(), [&](auto type) {
      using T = decltype(type);
      short_attention(short_part(call, qkv, part, mask), static_cast<const T*>(qkv.const_data_ptr()), static_cast<T*>(out.mutable_data_ptr()),
                      c10::cuda::getCurrentCUDAStream());
    });
  }
}

// Of the first `count` sequences; rows of others are left as they come.
at::Tensor attend_flash(const AttentionCall& call, const at::Tensor& qkv, int64_t count, double p, uint64_t key, AttentionTape* tape) {
  std::optional<KeyedDraws> draws;
  if (p > 0) draws.emplace(key, qkv.device());
  const at::Tensor offsets = call.batch.offsets.narrow(0, 0, count + 1);
  auto [out, log_sums, random_state, unused, debug] = at::_flash_attention_forward(
      heads_of(call, qkv, 0), heads_of(call, qkv, 1), heads_of(call, qkv, 2), offsets, offsets, call.batch.max_length, call.batch.max_length, p,
      /*is_causal=*/false, /*return_debug_mask=*/false, scale_of(call, qkv), window_of(call), window_of(call));
  if (tape != nullptr) {
    tape->log_sums = log_sums;
    tape->random_state = random_state;
    tape->unused = unused;
  }
  return out;
}

// Long sequences first, then short ones: each by its own kernel, into one matrix.
at::Tensor attend_by_length(const AttentionCall& call, const at::Tensor& qkv, Dropout* dropout, AttentionTape* tape) {
  const double p = dropout == nullptr ? 0 : call.dropout_p;
  const uint64_t key = p > 0 ? dropout->next_stream() : 0;
  const DropoutMask short_mask = mask_of(detail::mix(key), p);
  const int64_t first = first_short(call, qkv);
  const at::Tensor out =
      first > 0 ? attend_flash(call, qkv, first, p, key, tape) : at::empty({qkv.size(0), call.num_heads, head_dim(call, qkv)}, qkv.options());
  attend_short(call, qkv, short_mask, out);
  if (tape != nullptr) {
    tape->qkv = qkv;
    tape->out = out;
    tape->dropout_p = p;
    tape->short_mask = short_mask;
  }
  return out.view({qkv.size(0), dim_of(qkv)});
}

ops::Attention by_runs(const AttentionCall& call, const at::Tensor& bias) {
  return {.num_heads = call.num_heads, .window = call.layer.window, .bias = bias, .dropout_p = call.dropout_p};
}

// Every kind there is, in torch's operators.
at::Tensor attend_by_runs(const AttentionCall& call, const at::Tensor& qkv, Dropout* dropout, AttentionTape* tape) {
  if (tape == nullptr) {
    return ops::packed_attention(part_of(qkv, 0), part_of(qkv, 1), part_of(qkv, 2), call.batch, by_runs(call, call.positions.rounded_bias), dropout);
  }
  const at::AutoGradMode with_gradients(true);
  tape->query = part_of(qkv, 0).detach().requires_grad_();
  tape->key = part_of(qkv, 1).detach().requires_grad_();
  tape->value = part_of(qkv, 2).detach().requires_grad_();
  if (call.positions.bias.defined()) tape->bias = call.positions.rounded_bias.detach().requires_grad_();
  tape->out = ops::packed_attention(tape->query, tape->key, tape->value, call.batch, by_runs(call, tape->bias), dropout);
  return tape->out.detach();
}

struct HeadGradients {
  at::Tensor query, key, value;
};

HeadGradients backward_by_runs(const AttentionTape& tape, const at::Tensor& gradient, at::Tensor& bias_gradient) {
  torch::autograd::variable_list inputs{tape.query, tape.key, tape.value};
  if (tape.bias.defined()) inputs.push_back(tape.bias);
  const torch::autograd::variable_list gradients = torch::autograd::grad({tape.out}, inputs, {gradient});
  if (tape.bias.defined()) {
    const at::Tensor of_bias = gradients[3].to(at::kFloat);
    bias_gradient = bias_gradient.defined() ? bias_gradient.add_(of_bias) : of_bias;
  }
  return {gradients[0].contiguous(), gradients[1].contiguous(), gradients[2].contiguous()};
}

HeadGradients backward_of_flash(const AttentionCall& call, const AttentionTape& tape, const at::Tensor& gradient, int64_t count) {
  const at::Tensor& qkv = tape.qkv;
  const at::Tensor offsets = call.batch.offsets.narrow(0, 0, count + 1);
  const StrictDeterminism strict;
  const auto [query, key, value] =
      at::_flash_attention_backward(gradient.view(tape.out.sizes()), heads_of(call, qkv, 0), heads_of(call, qkv, 1), heads_of(call, qkv, 2), tape.out,
                                    tape.log_sums, offsets, offsets, call.batch.max_length, call.batch.max_length, tape.dropout_p, /*is_causal=*/false,
                                    tape.random_state, tape.unused, scale_of(call, qkv), window_of(call), window_of(call));
  const auto flat = [&](const at::Tensor& x) { return x.reshape({qkv.size(0), dim_of(qkv)}); };
  return {flat(query), flat(key), flat(value)};
}

HeadGradients backward_by_length(const AttentionCall& call, const AttentionTape& tape, const at::Tensor& gradient) {
  const int64_t first = first_short(call, tape.qkv);
  HeadGradients heads;
  if (first > 0) {
    heads = backward_of_flash(call, tape, gradient, first);
  } else {
    heads = {at::empty_like(gradient), at::empty_like(gradient), at::empty_like(gradient)};
  }
  for (const ShortSequences::Class& part : short_classes(call, tape.qkv)) {
    with_type(gradient.scalar_type(), [&](auto type) {
      using T = decltype(type);
      const auto in = [](const at::Tensor& x) { return static_cast<const T*>(x.const_data_ptr()); };
      const auto out = [](const at::Tensor& x) { return static_cast<T*>(x.mutable_data_ptr()); };
      short_attention_backward(short_part(call, tape.qkv, part, tape.short_mask), in(tape.qkv), in(tape.out), in(gradient), out(heads.query), out(heads.key),
                               out(heads.value), c10::cuda::getCurrentCUDAStream());
    });
  }
  return heads;
}

}  // namespace

ShortSequences short_sequences(const TokenBatch& batch) {
  ShortSequences found;
  int64_t first = batch.size();
  for (const int64_t length : {short_attention_length / 4, short_attention_length / 2, short_attention_length}) {
    const int64_t end = first;
    while (first > 0 && batch.host_offsets[first] - batch.host_offsets[first - 1] <= length) --first;
    if (first < end) found.classes.insert(found.classes.begin(), {first, end, length});
  }
  return found;
}

at::Tensor attend(const AttentionCall& call, const at::Tensor& qkv, Dropout* dropout, AttentionTape* tape) {
  if (call.layer.rope_theta) rotate(qkv, call.positions.places, call.frequencies, /*back=*/false, 2 * dim_of(qkv), head_dim(call, qkv));
  // What is added to scores has no way back in the kernel of short sequences.
  const bool drops = dropout != nullptr && call.dropout_p > 0;
  const bool all_short = first_short(call, qkv) == 0 && tape == nullptr && !drops;
  return fits_flash(call, qkv) || all_short ? attend_by_length(call, qkv, dropout, tape) : attend_by_runs(call, qkv, dropout, tape);
}

std::pair<at::Tensor, at::Tensor> attend_backward(const AttentionCall& call, const AttentionTape& tape, const at::Tensor& gradient, at::Tensor& bias_gradient) {
  const HeadGradients heads = tape.query.defined() ? backward_by_runs(tape, gradient, bias_gradient) : backward_by_length(call, tape, gradient);
  if (call.layer.rope_theta) {
    const int64_t dim = heads.query.size(1), size = dim / call.num_heads;
    for (const at::Tensor* part : {&heads.query, &heads.key}) rotate(*part, call.positions.places, call.frequencies, /*back=*/true, dim, size);
  }
  return join_heads(heads.query, heads.key, heads.value);
}

}  // namespace lmtx::cuda
