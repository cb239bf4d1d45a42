#include "lmtx/train/unsupervised/cluster_phases.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace lmtx {

namespace {

[[noreturn]] void refuse(const std::string& option) {
  throw std::invalid_argument("`clusters` must be \"auto\", \"none\" or numbers from 2 on, such as \"250,500\", but is \"" + option.substr(0, 64) +
                              "\" instead.");
}

std::vector<int64_t> read_numbers(const std::string& option) {
  std::vector<int64_t> numbers;
  const char* const end = option.data() + option.size();
  for (const char* begin = option.data();; ++begin) {
    int64_t number = 0;
    const auto [rest, error] = std::from_chars(begin, end, number);
    if (error != std::errc{} || number < 2 || (rest != end && *rest != ',')) refuse(option);
    numbers.push_back(number);
    begin = rest;
    if (rest == end) return numbers;
  }
}

}  // namespace

std::vector<int64_t> cluster_phases(const std::string& option, int64_t documents) {
  if (option == "none") return {};
  // The published phases had 2,500 to 40,000 clusters, doubling.
  std::vector<int64_t> phases =
      option == "auto" ? std::vector<int64_t>{documents / 32, documents / 16, documents / 8, documents / 4, documents / 2} : read_numbers(option);
  for (int64_t& clusters : phases) clusters = std::max<int64_t>(2, std::min(clusters, documents));
  return phases;
}

std::vector<StagePart> stage_parts(int64_t steps, const std::vector<int64_t>& phases) {
  std::vector<StagePart> parts;
  const int64_t half = phases.empty() ? 0 : steps / 2, count = static_cast<int64_t>(phases.size());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = half * i / count;
    parts.push_back({.first_step = first, .num_steps = half * (i + 1) / count - first, .clusters = phases[static_cast<size_t>(i)]});
  }
  parts.push_back({.first_step = half, .num_steps = steps - half, .clusters = 0});
  return parts;
}

}  // namespace lmtx
