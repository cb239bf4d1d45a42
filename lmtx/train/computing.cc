#include "lmtx/train/computing.h"

#include <stdexcept>

#include "lmtx/train/card.h"

namespace lmtx {

namespace {

bool trains_in_bfloat16(const SentenceModel& model) {
  try {
    model.check_trainable(ComputeDtype::bfloat16);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

ComputeDtype resolve_dtype(const std::string& dtype, const SentenceModel& model) {
  const bool has_it = card::has_bfloat16(model.device());
  if (dtype == "auto") return has_it && trains_in_bfloat16(model) ? ComputeDtype::bfloat16 : ComputeDtype::float32;
  if (dtype != "bfloat16") return parse_compute_dtype(dtype);
  if (!has_it) {
    throw std::invalid_argument("`dtype` is \"bfloat16\", in which only cards that have it train, but the encoder is on " + card::describe(model.device()) +
                                "; take \"auto\" or \"float32\".");
  }
  model.check_trainable(ComputeDtype::bfloat16);
  return ComputeDtype::bfloat16;
}

}  // namespace

Computing resolve_computing(const TrainerOptions& options, const SentenceModel& model) {
  const bool on_card = model.device().is_cuda();
  const auto automatic = [on_card](int64_t budget, int64_t on_cpu, int64_t there) { return budget != 0 ? budget : on_card ? there : on_cpu; };
  return {.dtype = resolve_dtype(options.dtype, model),
          .train_token_budget = automatic(options.train_token_budget, 16384, 65536),
          .search_token_budget = automatic(options.search_token_budget, 4096, 32768),
          .deterministic = options.deterministic && on_card};
}

}  // namespace lmtx
