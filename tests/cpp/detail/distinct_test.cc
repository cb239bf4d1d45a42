#include "lmtx/detail/distinct.h"

#include <map>
#include <random>
#include <string>

#include "catch.h"

using namespace lmtx::detail;

namespace {

std::vector<std::string> random_strings(size_t count, int kinds) {
  std::minstd_rand random{3};
  std::vector<std::string> strings;
  for (size_t i = 0; i < count; ++i) strings.push_back(std::string(random() % 3, 'x') + std::to_string(random() % kinds));
  return strings;
}

}  // namespace

TEST_CASE("equal items are found as a map finds them") {
  const size_t count = GENERATE(0, 1, 2, 3, 100, 40'000);
  const int kinds = GENERATE(1, 10, 1'000'000);
  const std::vector<std::string> strings = random_strings(count, kinds);
  const Distinct distinct = find_distinct(std::vector<std::string_view>(strings.begin(), strings.end()));
  std::map<std::string, int64_t> seen;
  std::vector<int64_t> first;
  std::vector<std::pair<int64_t, int64_t>> copies, found;
  for (size_t i = 0; i < count; ++i) {
    const auto [entry, is_new] = seen.emplace(strings[i], static_cast<int64_t>(i));
    if (is_new)
      first.push_back(static_cast<int64_t>(i));
    else
      copies.emplace_back(static_cast<int64_t>(i), entry->second);
  }
  for (const Distinct::Copy& copy : distinct.copies) found.emplace_back(copy.item, copy.of);
  CHECK(distinct.first == first);
  CHECK(found == copies);
}

TEST_CASE("rows of equal items become those of the first") {
  const std::vector<std::string_view> items{"a", "b", "a", "c", "b", "a"};
  std::vector<float> rows{1, 2, 3, 4, -1, -1, 5, 6, -1, -1, -1, -1};
  copy_rows(find_distinct(items), rows.data(), 2);
  CHECK(rows == std::vector<float>{1, 2, 3, 4, 1, 2, 5, 6, 3, 4, 1, 2});
}
