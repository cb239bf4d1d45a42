#include "lmtx/train/mix_models.h"

#include <ATen/core/grad_mode.h>

#include <sstream>
#include <stdexcept>
#include <string>

namespace lmtx {

namespace {

void check_match(const NamedTensors& base, const NamedTensors& tuned) {
  if (base.size() != tuned.size())
    throw std::invalid_argument("The models to mix must have the same weights, but have " + std::to_string(base.size()) + " and " +
                                std::to_string(tuned.size()) + ".");
  for (size_t i = 0; i < base.size(); ++i) {
    if (base[i].first == tuned[i].first && base[i].second.sizes() == tuned[i].second.sizes()) continue;
    std::ostringstream message;
    message << "The models to mix must have the same weights, but one has " << base[i].first << " of shape " << base[i].second.sizes()
            << " where the other has " << tuned[i].first << " of shape " << tuned[i].second.sizes() << ".";
    throw std::invalid_argument(message.str());
  }
}

}  // namespace

std::shared_ptr<SentenceModel> mix_models(const SentenceModel& base, const SentenceModel& tuned, double share) {
  if (!(share >= 0 && share <= 1)) throw std::invalid_argument("`share` must be in [0, 1], but is " + std::to_string(share) + " instead.");
  const at::NoGradGuard no_grad;
  std::shared_ptr<SentenceModel> mixed = tuned.clone();
  const NamedTensors from = base.parameters(), to = mixed->parameters();
  check_match(from, to);
  for (size_t i = 0; i < to.size(); ++i) {
    const at::Tensor there = from[i].second.detach().to(to[i].second.device());
    at::Tensor(to[i].second).mul_(share).add_(there, 1 - share);
  }
  return mixed;
}

}  // namespace lmtx
