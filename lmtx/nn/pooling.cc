#include "lmtx/nn/pooling.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"

namespace lmtx {
namespace {

using detail::Json;

using detail::fail;

struct ModeNames {
  PoolingMode mode;
  // Of sentence-transformers 6, an entry of `pooling_mode`.
  const char* name;
  // Of older versions, true or false. They join modes in the order of this table.
  const char* switch_name;
};
constexpr ModeNames supported[] = {{PoolingMode::cls, "cls", "pooling_mode_cls_token"},
                                   {PoolingMode::max, "max", "pooling_mode_max_tokens"},
                                   {PoolingMode::mean, "mean", "pooling_mode_mean_tokens"},
                                   {PoolingMode::mean_sqrt_len, "mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens"},
                                   {PoolingMode::weighted_mean, "weightedmean", "pooling_mode_weightedmean_tokens"},
                                   {PoolingMode::last_token, "lasttoken", "pooling_mode_lasttoken"}};

[[noreturn]] void refuse(const std::string& name, const std::string& place) {
  fail(place, "pooling by " + detail::quote(name) + " is not supported; supported are cls, max, mean, mean_sqrt_len_tokens, weightedmean and lasttoken.");
}

PoolingMode mode_of(const Json& name, const std::string& place) {
  if (!name.is_string())
    fail(place, std::string("`pooling_mode` must be the name of a mode or a list of such names, but is or has ") + name.type_name() + " instead.");
  const auto names = std::find_if(std::begin(supported), std::end(supported), [&](const ModeNames& names) { return name == names.name; });
  if (names == std::end(supported)) refuse(name.get<std::string>(), place);
  return names->mode;
}

std::vector<PoolingMode> listed_modes(const Json& entry, const std::string& place) {
  if (!entry.is_array()) return {mode_of(entry, place)};
  std::vector<PoolingMode> modes;
  for (const Json& name : entry) modes.push_back(mode_of(name, place));
  if (modes.empty()) fail(place, "`pooling_mode` must name at least one mode, but is an empty list.");
  return modes;
}

// Mean where all are off.
std::vector<PoolingMode> switched_modes(const Json& config, const std::string& place) {
  constexpr std::string_view prefix = "pooling_mode_";
  for (const auto& [key, value] : config.items()) {
    const bool known = std::any_of(std::begin(supported), std::end(supported), [&, &key = key](const ModeNames& names) { return key == names.switch_name; });
    if (key.starts_with(prefix) && !known && detail::json_boolean_or(config, key.c_str(), false, place)) refuse(key.substr(prefix.size()), place);
  }
  std::vector<PoolingMode> modes;
  for (const ModeNames& names : supported) {
    if (detail::json_boolean_or(config, names.switch_name, false, place)) modes.push_back(names.mode);
  }
  return modes.empty() ? std::vector<PoolingMode>{PoolingMode::mean} : modes;
}

// Whether switches say all: each mode once, in their order.
bool fits_switches(const std::vector<PoolingMode>& modes) { return std::adjacent_find(modes.begin(), modes.end(), std::greater_equal<>()) == modes.end(); }

const char* name_of(PoolingMode mode) {
  return std::find_if(std::begin(supported), std::end(supported), [&](const ModeNames& names) { return names.mode == mode; })->name;
}

}  // namespace

Pooling read_pooling(const std::filesystem::path& file) {
  const std::string place = file.string();
  const Json config = detail::read_json(file);
  if (!config.is_object()) fail(place, "must be a JSON object.");
  const auto listed = config.find("pooling_mode");
  return {.modes = listed == config.end() ? switched_modes(config, place) : listed_modes(*listed, place),
          .include_prompt = detail::json_boolean_or(config, "include_prompt", true, place)};
}

Json pooling_json(const Pooling& pooling, int64_t dim) {
  Json config;
  if (fits_switches(pooling.modes)) {
    config["word_embedding_dimension"] = dim;
    for (const ModeNames& names : supported) {
      const bool is_on = std::find(pooling.modes.begin(), pooling.modes.end(), names.mode) != pooling.modes.end();
      // The first versions know four.
      if (is_on || names.mode <= PoolingMode::mean_sqrt_len) config[names.switch_name] = is_on;
    }
  } else {
    config["embedding_dimension"] = dim;
    for (const PoolingMode mode : pooling.modes) config["pooling_mode"].push_back(name_of(mode));
  }
  config["include_prompt"] = pooling.include_prompt;
  return config;
}

}  // namespace lmtx
