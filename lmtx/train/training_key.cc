#include "lmtx/train/training_key.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "lmtx/detail/options_json.h"

namespace lmtx {

namespace {

// The options of the first version, whose checkpoints go on being used.
constexpr std::array<std::string_view, 27> first_options = {"cycles",
                                                            "judgments_per_cycle",
                                                            "yes_above",
                                                            "restart",
                                                            "use_all_judgments",
                                                            "development",
                                                            "ask_rounds",
                                                            "accept_missing",
                                                            "document_length",
                                                            "search_length",
                                                            "label_length",
                                                            "document_prompt",
                                                            "label_prompt",
                                                            "epochs",
                                                            "batch_size",
                                                            "learning_rate",
                                                            "warmup",
                                                            "adam_epsilon",
                                                            "weight_decay",
                                                            "margin",
                                                            "hard_negatives",
                                                            "violator_temperature",
                                                            "dropout",
                                                            "seed",
                                                            "train_token_budget",
                                                            "search_token_budget",
                                                            "checkpoint_every"};

bool is_first(const std::string& name) { return std::find(first_options.begin(), first_options.end(), name) != first_options.end(); }

// Later options are left out where they change nothing.
std::string options_of_key(const TrainerOptions& options, const Computing& computing) {
  detail::Json json = detail::options_to_json(options);
  if (options.search_token_budget == 0) json["search_token_budget"] = 4096;
  json["dtype"] = name_of(computing.dtype);
  if (computing.dtype == ComputeDtype::float32) json.erase("dtype");
  if (!computing.deterministic) json.erase("deterministic");
  detail::Json defaults = detail::options_to_json({});
  for (const auto& [name, value] : defaults.items()) {
    if (!is_first(name) && name != "dtype" && name != "deterministic" && json[name] == value) json.erase(name);
  }
  return json.dump();
}

}  // namespace

detail::Digest training_key(const SentenceModel& start, const TrainingSteps& steps, const TrainerOptions& options, const Computing& computing) {
  detail::Hasher hasher;
  hasher.add("student training 1").add(options_of_key(options, computing));
  steps.add_to(hasher);
  for (const auto& [name, parameter] : start.parameters()) {
    const at::Tensor on_host = parameter.detach().cpu().contiguous();
    hasher.add(name).add_raw(on_host.const_data_ptr(), on_host.nbytes());
  }
  return hasher.finish();
}

}  // namespace lmtx
