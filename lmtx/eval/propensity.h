// How much a label counts in propensity-scored metrics: rare labels, whose absence from the true labels says little, count more.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/eval/metrics.h"
#include "lmtx/export.h"

namespace lmtx {

// Jain, Prabhu and Varma (KDD 2016) give (0.5, 0.4) for Wikipedia, (0.6, 2.6) for Amazon, and these for everything else.
struct PropensityConstants {
  double a = 0.55;
  double b = 1.5;
};

// For each label the documents in which it is true: [num_labels].
LMTX_API std::vector<double> label_frequencies(const SparseMatrix& targets);

// The inverse propensity of each label, as pyxclib's compute_inv_propesity(): 1 + C (n + b)^-a with C = (ln num_documents - 1) (b + 1)^a, where n, its
// frequency, counts (or estimates) the documents among `num_documents` in which the label is true. Throws std::invalid_argument for a frequency that is
// negative or not finite, no documents, or constants that are not above 0.
LMTX_API std::vector<double> inverse_propensities(std::span<const double> frequencies, int64_t num_documents, const PropensityConstants& constants = {});

}  // namespace lmtx
