#include "lmtx/nn/dropout.h"

#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <mutex>
#include <stdexcept>
#include <string>

#include "lmtx/detail/random.h"

// On the CPU a mask is a function of (key, call, position): 16 bits of a hash of the position's number are compared with p. torch's own masks come out
// of one generator, one after the other, and would have to be kept for the backward pass.

namespace lmtx {
namespace {

constexpr int64_t lanes = 4;
constexpr int lane_bits = 16;
constexpr double lane_range = 1 << lane_bits;

struct Mask {
  uint64_t stream = 0;
  // Of the 2^16 values of a lane, how many drop.
  uint64_t threshold = 0;
  double scale() const { return lane_range / (lane_range - static_cast<double>(threshold)); }
};

template <typename scalar>
void apply_mask(const scalar* x, scalar* y, int64_t begin, int64_t end, const Mask& mask) {
  const scalar scale = static_cast<scalar>(mask.scale());
  for (int64_t i = begin; i < end; i += lanes) {
    const uint64_t bits = detail::mix(mask.stream + static_cast<uint64_t>(i / lanes));
    const int64_t count = std::min(lanes, end - i);
    for (int64_t lane = 0; lane < count; ++lane) {
      const bool keep = ((bits >> (lane * lane_bits)) & 0xffff) >= mask.threshold;
      y[i + lane] = keep ? x[i + lane] * scale : scalar{0};
    }
  }
}

at::Tensor masked(const at::Tensor& x, const Mask& mask) {
  const at::Tensor in = x.contiguous();
  at::Tensor out = at::empty_like(in);
  constexpr int64_t lanes_per_task = 1 << 13;
  AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "lmtx_dropout", [&] {
    const scalar_t* from = in.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, (in.numel() + lanes - 1) / lanes, lanes_per_task,
                     [&](int64_t begin, int64_t end) { apply_mask(from, to, begin * lanes, std::min(end * lanes, in.numel()), mask); });
  });
  return out;
}

struct Masked : torch::autograd::Function<Masked> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, int64_t stream, int64_t threshold) {
    context->saved_data["stream"] = stream;
    context->saved_data["threshold"] = threshold;
    return masked(x, {.stream = static_cast<uint64_t>(stream), .threshold = static_cast<uint64_t>(threshold)});
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& gradients) {
    return {apply(gradients[0], context->saved_data["stream"].toInt(), context->saved_data["threshold"].toInt()), {}, {}};
  }
};

// A generator of our own: the default one is shared by the whole process, so its draws depend on whoever drew before, and a step that is computed
// again (after a kill, or a second time to save memory) would get other masks.
at::Generator keyed_generator(uint64_t key, at::Device device) {
  if (device.is_cpu()) return {};
  at::Generator shared = at::globalContext().defaultGenerator(device);
  at::Generator own = [&] {
    const std::lock_guard<std::mutex> lock(shared.mutex());
    return shared.clone();
  }();
  own.set_current_seed(detail::mix(key));
  return own;
}

}  // namespace

Dropout::Dropout(uint64_t key, at::Device device) : key_(key), generator_(keyed_generator(key, device)) {}

uint64_t Dropout::next_stream() { return detail::mix(detail::mix(key_) ^ ++calls_); }

at::Tensor Dropout::operator()(const at::Tensor& x, double p) {
  if (!(p >= 0 && p < 1)) throw std::invalid_argument("`p` of dropout must be in [0, 1), but is " + std::to_string(p) + " instead.");
  if (p == 0) return x;
  if (generator_.defined()) return x.mul(at::empty_like(x, at::MemoryFormat::Contiguous).bernoulli_(1 - p, generator_).div_(1 - p));
  const uint64_t stream = next_stream();
  const int64_t threshold = std::min<int64_t>(std::llround(p * lane_range), (1 << lane_bits) - 1);
  return Masked::apply(x, static_cast<int64_t>(stream), threshold);
}

}  // namespace lmtx
