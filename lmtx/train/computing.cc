#include "lmtx/train/computing.h"

#include <stdexcept>

#include "lmtx/train/card.h"

namespace lmtx {

namespace {

ComputeDtype resolve_dtype(const std::string& dtype, at::Device device) {
  if (dtype == "auto") return card::has_bfloat16(device) ? ComputeDtype::bfloat16 : ComputeDtype::float32;
  if (dtype != "bfloat16" || card::has_bfloat16(device)) return parse_compute_dtype(dtype);
  throw std::invalid_argument("`dtype` is \"bfloat16\", in which only cards that have it train, but the encoder is on " + card::describe(device) +
                              "; take \"auto\" or \"float32\".");
}

}  // namespace

Computing resolve_computing(const TrainerOptions& options, at::Device device) {
  const bool on_card = device.is_cuda();
  const auto automatic = [on_card](int64_t budget, int64_t on_cpu, int64_t there) { return budget != 0 ? budget : on_card ? there : on_cpu; };
  return {.dtype = resolve_dtype(options.dtype, device),
          .train_token_budget = automatic(options.train_token_budget, 16384, 65536),
          .search_token_budget = automatic(options.search_token_budget, 4096, 32768),
          .deterministic = options.deterministic && on_card};
}

}  // namespace lmtx
