#include <sys/resource.h>

#include "catch.h"
#include "lmtx/search/label_index.h"
#include "rows.h"

using namespace lmtx;

namespace {

// Peak memory of this process so far, in MiB.
double peak_mebibytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Sanitizers keep notes on memory, and what was freed for a while.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool can_measure = false;
#else
constexpr bool can_measure = true;
#endif

void check_below(double mebibytes, double limit) {
  if (can_measure) {
    CHECK(mebibytes < limit);
  } else {
    WARN("memory is not measured: a sanitizer takes some, too");
  }
}

}  // namespace

TEST_CASE("a search takes memory for a block of scores, however many labels and queries there are") {
  // A full table of scores would take 40,000 x 1,500 x 4 bytes = 229 MiB; here every row ties with every other.
  const int64_t labels = 40'000, queries = 1500, dim = 2;
  const at::Tensor rows = at::empty({labels, dim}, at::kFloat).fill_(1), many = at::empty({queries, dim}, at::kFloat).fill_(1);
  const auto index = LabelIndex::build(rows);
  index.search(many.slice(0, 0, 300), 3);
  const double before = peak_mebibytes();
  const LabelMatches matches = index.search(many, 3);
  check_below(peak_mebibytes() - before, 64);
  CHECK(matches.labels[1499][2].item<int64_t>() == 2);
}

TEST_CASE("as many matches as there are labels come out of bounded memory, too") {
  const int64_t labels = 50'000;
  const auto index = LabelIndex::build(tensor_of(unit_rows(labels, 4, 1), 4));
  const double before = peak_mebibytes();
  const LabelMatches matches = index.search(tensor_of(unit_rows(20, 4, 2), 4), labels);
  // The matches themselves take 20 x 50,000 x 12 bytes = 11 MiB.
  check_below(peak_mebibytes() - before, 160);
  CHECK(matches.labels[19][labels - 1].item<int64_t>() >= 0);
}
