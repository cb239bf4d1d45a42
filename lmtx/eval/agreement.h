// How far two judges of the same pairs agree.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/export.h"

namespace lmtx {

// All [n], pair i in entry i.
struct JudgedTwice {
  // In [0, 1]; NaN where that judge abstained: such pairs are counted, and left out of everything else.
  std::span<const double> first;
  std::span<const double> second;
  // How many pairs it stands for, 0 or more; empty: each 1.
  std::span<const double> weights = {};
  // Which document it is about, by any number; empty: each about another one.
  std::span<const int64_t> documents = {};
};

struct AgreementOptions {
  // Scores from here up are a yes.
  double first_cut = 0.5;
  double second_cut = 0.5;
  // Of the intervals, which draw documents with replacement.
  double level = 0.95;
  int64_t resamples = 1000;
  uint64_t seed = 0;
};

// Fractions over the pairs that both gave a score, each counted with its weight. NaN: nothing to divide by.
struct Agreement {
  // All pairs; those that only one abstained from, or both.
  int64_t pairs = 0;
  int64_t first_abstained = 0;
  int64_t second_abstained = 0;
  int64_t both_abstained = 0;
  // Weights of the pairs, by who said yes.
  double both_yes = 0;
  double first_only = 0;
  double second_only = 0;
  double both_no = 0;

  // The same side of the cut.
  Interval agreement = {};
  // Agreement beyond what chance gives two judges with these shares of yes: 1 is full, 0 chance (Cohen 1960). NaN where both always say the same one thing.
  Interval kappa = {};
  // Mean of |first - second|, and of first - second.
  Interval difference = {};
  Interval lean = {};
};

// Throws std::invalid_argument for lists of unequal lengths, wrong scores or weights, fewer than one resample, or a level outside (0, 1); a stop request ends
// it with lmtx::Stopped.
LMTX_API Agreement agree(const JudgedTwice& pairs, const AgreementOptions& options = {}, const std::stop_token& stop = {});

}  // namespace lmtx
