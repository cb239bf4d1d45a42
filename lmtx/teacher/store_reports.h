// What a store of judgments says of itself, and of another one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// What several answers cost together.
struct UsageTotals {
  Usage usage = {};
  int64_t answers = 0;
};

// One teacher in a store.
struct TeacherSummary {
  std::string identity = {};
  int64_t judgments = 0;
  // Of the judgments.
  int64_t abstained = 0;
  // Judgments with a score of at least 0.5.
  int64_t yes = 0;
  UsageTotals totals = {};
  // Of its first and its last answer, in seconds since 1970, UTC.
  int64_t first_time = 0;
  int64_t last_time = 0;

  // Of the scored ones; 0 without any.
  double yes_rate() const { return judgments > abstained ? static_cast<double>(yes) / static_cast<double>(judgments - abstained) : 0; }
};

struct StoreCheck {
  int64_t answers = 0;
  int64_t judgments = 0;
  // Rows of both that were written before there were checksums.
  int64_t without_sum = 0;
  // In words, the first hundred.
  std::vector<std::string> faults = {};

  bool whole() const { return faults.empty(); }
};

// What came of putting answers from elsewhere into a store.
struct MergeCounts {
  // That were added.
  int64_t answers = 0;
  int64_t judgments = 0;
  // Judgments that were there with the same score, and with another one; these stayed.
  int64_t same = 0;
  int64_t conflicts = 0;
};

// A judgment that two stores do not have alike.
struct StoreDifference {
  std::array<uint8_t, 16> key = {};
  std::string identity = {};
  // Uids, as the first store has them, or the second where the first has not.
  std::string document = {};
  std::string label = {};
  // Unset where it is not there.
  std::optional<Verdict> here = {};
  std::optional<Verdict> there = {};
};

struct StoreDiff {
  // Judgments with the same score, with another one, in the first store only, and in the second only.
  int64_t same = 0;
  int64_t conflicts = 0;
  int64_t only_here = 0;
  int64_t only_there = 0;
  // By rising key; of each of the three kinds the first ones.
  std::vector<StoreDifference> differences = {};
};

}  // namespace lmtx
