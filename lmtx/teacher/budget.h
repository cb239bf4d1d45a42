// What a run may spend, and what a teacher charges.
#pragma once

#include <cstdint>
#include <optional>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// Hard limits: once one is reached nothing more is asked, and the run trains on what was answered, measures and ends. Where the teacher can tell beforehand
// what a question takes (TeacherOracle::estimate()), tokens and money are put aside before it is asked; else calls that are under way may go over by what they
// take. Tokens, money and time count what the teacher says, or its prices come to, for this run's own answers.
struct Budget {
  // Distinct pairs that the run uses, each counted once, scored or abstained, development pairs included, failed ones not; unset means no limit.
  std::optional<int64_t> judgments = {};
  // Prompt tokens, cached or not, and answer tokens together.
  std::optional<int64_t> tokens = {};
  // Money, in the currency of the teacher's price list.
  std::optional<double> cost = {};
  // Seconds of asking by the clock, all sessions together.
  std::optional<double> seconds = {};
  // Count pairs that the store held before the run, too (benchmarks set it, so that arms can share a store). Of `judgments` alone.
  bool charge_stored = false;
};

// What a teacher charges and how fast it is, where it does not say so itself.
struct Rates {
  // Money for a million prompt tokens, of those that a prefix cache served (below 0: as much as for others), and of answer tokens.
  double prompt = 0;
  double cached = -1;
  double completion = 0;
  // Tokens that it takes in or puts out a second, all calls that run at once together; 0: unknown.
  double tokens_per_second = 0;
};

// The usage with its cost by these rates, unless the teacher gave one.
LMTX_API Usage priced(Usage usage, const Rates& rates);

}  // namespace lmtx
