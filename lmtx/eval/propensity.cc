#include "lmtx/eval/propensity.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace lmtx {
namespace {

void check_constant(const char* name, double value) {
  if (std::isfinite(value) && value > 0) return;
  throw std::invalid_argument("`" + std::string(name) + "` of the propensity constants must be above 0, but is " + std::to_string(value) + " instead.");
}

void check_frequency(size_t label, double frequency) {
  if (std::isfinite(frequency) && frequency >= 0) return;
  throw std::invalid_argument("The frequency of label " + std::to_string(label) + " must be 0 or above, but is " + std::to_string(frequency) + " instead.");
}

}  // namespace

std::vector<double> label_frequencies(const SparseMatrix& targets) {
  std::vector<double> frequencies(static_cast<size_t>(targets.cols()), 0.0);
  for (int64_t row = 0; row < targets.rows(); ++row) {
    for (SparseMatrix::InnerIterator entry(targets, row); entry; ++entry) frequencies[static_cast<size_t>(entry.col())] += entry.value() != 0;
  }
  return frequencies;
}

std::vector<double> inverse_propensities(std::span<const double> frequencies, int64_t num_documents, const PropensityConstants& constants) {
  check_constant("a", constants.a);
  check_constant("b", constants.b);
  if (num_documents < 1) throw std::invalid_argument("`num_documents` must be at least 1, but is " + std::to_string(num_documents) + " instead.");
  const double c = (std::log(static_cast<double>(num_documents)) - 1) * std::pow(constants.b + 1, constants.a);
  std::vector<double> weights;
  weights.reserve(frequencies.size());
  for (size_t label = 0; label < frequencies.size(); ++label) {
    check_frequency(label, frequencies[label]);
    weights.push_back(1 + c * std::pow(frequencies[label] + constants.b, -constants.a));
  }
  return weights;
}

}  // namespace lmtx
