// From a teacher's scores to probabilities, by a sample of pairs whose truth is known, or by a known share of yeses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "lmtx/eval/isotonic.h"
#include "lmtx/export.h"

namespace lmtx {

enum class CalibrationKind { shift, platt, isotonic };

// "shift", "platt" or "isotonic".
LMTX_API const char* to_string(CalibrationKind kind);

// What calibrations are fitted to: all [n], pair i in entry i.
struct GoldPairs {
  // In [0, 1]; NaN where the teacher abstained: such pairs are passed over.
  std::span<const double> scores;
  // 1 where the label fits, else 0.
  std::span<const double> gold;
  // How many pairs it stands for, 0 or more, where the sample is not even (1 / the chance that it was drawn, say); empty: each 1.
  std::span<const double> weights = {};
  // Which document it is about, by any number; empty: each about another one.
  std::span<const int64_t> documents = {};
};

// A function that never falls, from [0, 1] to [0, 1]. An immutable value. Format: docs/formats/calibration.md.
//
// All fits throw std::invalid_argument for lists of unequal lengths, a score outside [0, 1], gold that is neither 0 nor 1, a weight that is negative or not
// finite; those with gold also, saying how many there are, for fewer than `fewest_of_each` yeses or noes among the pairs that have a score.
class LMTX_API Calibration {
 public:
  static constexpr int64_t fewest_of_each = 5;
  // From so many pairs on fit() considers isotonic regression.
  static constexpr int64_t fewest_for_isotonic = 1000;

  // sigmoid(slope * logit(score) + offset), with the targets of Platt (1999) in the place of 0 and 1; scores are cut to [1e-6, 1 - 1e-6]. Two numbers: enough
  // for a few hundred pairs. Where scores fall with gold, it is flat. As scikit-learn's sigmoid calibration of logit(score).
  static Calibration platt(const GoldPairs& pairs);
  // The rising line through the pairs (isotonic regression; Zadrozny and Elkan 2002): for thousands of pairs. As scikit-learn's
  // IsotonicRegression(out_of_bounds="clip").
  static Calibration isotonic(const GoldPairs& pairs);
  // platt() below `fewest_for_isotonic` pairs; from there on whichever has the lower log loss in a cross-validation in five parts, drawn by documents with
  // `seed`, where no prediction counts as surer than one in as many pairs as it was fitted to.
  static Calibration fit(const GoldPairs& pairs, uint64_t seed = 0);
  // Without gold: sigmoid(logit(score) + offset), so that the (weighted) mean over these scores is `yes_rate`, the share of yeses that is known or believed.
  // What yes/no prompts add to every answer is taken away (Batch Calibration, arXiv 2309.17249, with a rate in the place of one half). Throws
  // std::invalid_argument also for a rate outside (0, 1), or no score.
  static Calibration shift(std::span<const double> scores, double yes_rate, std::span<const double> weights = {});

  // Throws std::runtime_error naming the file and the fault (missing, newer, damaged).
  static Calibration load(const std::filesystem::path& file);
  void save(const std::filesystem::path& file) const;

  // NaN stays NaN. Throws std::invalid_argument for another score outside [0, 1].
  double operator()(double score) const;
  std::vector<double> apply(std::span<const double> scores) const;

  CalibrationKind kind() const;
  // What it was fitted to: pairs with a score, and the yeses among them (0 for a shift).
  int64_t pairs() const { return pairs_; }
  int64_t yeses() const { return yeses_; }
  // The identity of the teacher whose scores these were; empty where it may be any.
  const std::string& teacher() const { return teacher_; }
  Calibration for_teacher(std::string identity) const;
  // "platt-" and 16 hexadecimal digits over all that makes its values.
  std::string identity() const;
  // One line for people: "platt: sigmoid(0.81 * logit(score) - 1.2), from 300 pairs (84 yes)".
  std::string describe() const;

  // sigmoid(slope * logit(score) + offset).
  struct Sigmoid {
    double slope = 1;
    double offset = 0;
  };
  // Null for the isotonic kind, and the other way round.
  const Sigmoid* sigmoid() const { return std::get_if<Sigmoid>(&curve_); }
  const RisingLine* line() const { return std::get_if<RisingLine>(&curve_); }

 private:
  using Curve = std::variant<Sigmoid, RisingLine>;
  Calibration(CalibrationKind kind, Curve curve, int64_t pairs, int64_t yeses);
  static Calibration with_lower_loss(const GoldPairs& pairs, uint64_t seed);
  friend struct CalibrationJson;

  CalibrationKind kind_;
  Curve curve_;
  int64_t pairs_;
  int64_t yeses_;
  std::string teacher_;
};

}  // namespace lmtx
