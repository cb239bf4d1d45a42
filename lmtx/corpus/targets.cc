#include "lmtx/corpus/targets.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/detail/json_lines.h"
#include "lmtx/detail/quote.h"

namespace lmtx {

using detail::Json;

namespace {

int64_t to_label_number(const Json& value, int64_t num_labels, const std::string& place) {
  if (!value.is_number_integer()) {
    throw std::runtime_error(place + ": `target_ind` must be a list of integers, but holds " + detail::quote(value.dump(), 40) + ".");
  }
  // Integers beyond int64_t, which nlohmann keeps as unsigned, are out of range, too.
  const bool in_range = value.is_number_unsigned() ? value.get<uint64_t>() < static_cast<uint64_t>(num_labels) : value.get<int64_t>() >= 0;
  if (!in_range) {
    throw std::runtime_error(place + ": `target_ind` must hold label numbers in [0, " + std::to_string(num_labels) + "), but holds " + value.dump() + ".");
  }
  return value.get<int64_t>();
}

std::vector<int64_t> to_targets(const Json& object, int64_t num_labels, const std::string& place) {
  if (!detail::json_has(object, "target_ind")) throw std::runtime_error(place + ": `target_ind` is missing.");
  const Json& list = object["target_ind"];
  if (!list.is_array()) throw std::runtime_error(place + ": `target_ind` must be a list of integers, but is " + list.type_name() + " instead.");
  std::vector<int64_t> targets;
  targets.reserve(list.size());
  for (const Json& value : list) targets.push_back(to_label_number(value, num_labels, place));
  std::sort(targets.begin(), targets.end());
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  return targets;
}

}  // namespace

std::vector<std::vector<int64_t>> read_targets(const std::filesystem::path& file, int64_t num_labels) {
  if (num_labels < 0) throw std::invalid_argument("`num_labels` must not be negative, but is " + std::to_string(num_labels) + ".");
  std::vector<std::vector<int64_t>> targets;
  detail::JsonLines lines(file);
  Json object;
  while (lines.next(object)) targets.push_back(to_targets(object, num_labels, lines.place()));
  return targets;
}

}  // namespace lmtx
