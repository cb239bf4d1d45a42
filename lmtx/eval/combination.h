// One score out of several teachers' scores for the same pair.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// What is known of a teacher's yeses and noes, as an audit measures it.
struct Reliability {
  // Of the true pairs those that it gives a yes (an audit's recall); of the others those that it gives a no.
  double sensitivity = 0.5;
  double specificity = 0.5;
  // Scores from here up are a yes.
  double cut = 0.5;
};

// A rule that adds what each teacher says to the log-odds; a teacher that abstains says nothing. An immutable value. Format: docs/formats/combination.md.
class LMTX_API Combination {
 public:
  // The weighted mean of the log-odds, over those that do not abstain (a logarithmic opinion pool; Genest and Zidek 1986): needs no gold. Throws
  // std::invalid_argument for no weight, or one that is not above 0, or over a million.
  static Combination mean(std::span<const double> weights);
  // Votes, each weighing the log-odds that its teacher's reliability gives it, as if teachers erred independently (Nitzan and Paroush 1982): log(sensitivity /
  // (1 - specificity)) for a yes, log((1 - sensitivity) / specificity) for a no, both rates cut to [.01, .99]; they begin at the log-odds of `yes_rate`. Throws
  // std::invalid_argument for no teacher, or a number outside (0, 1)
  // ([0, 1] for reliabilities).
  static Combination votes(std::span<const Reliability> teachers, double yes_rate);
  // Fitted to gold: a logistic regression on the log-odds of the teachers, less their means, where an abstention counts as the mean; with a ridge of 1/2
  // |slopes|^2, as scikit-learn's LogisticRegression(C=1). It sees how teachers' errors go together, which votes() does not. `scores` [n * num_teachers], pair
  // by pair, NaN where a teacher abstained; `gold` [n], 0 or 1; `weights` [n], or empty. Throws std::invalid_argument as Calibration does, and for a teacher
  // without a score.
  static Combination fit(std::span<const double> scores, int64_t num_teachers, std::span<const double> gold, std::span<const double> weights = {});

  // Throws std::runtime_error naming the file and the fault (missing, newer, damaged).
  static Combination load(const std::filesystem::path& file);
  void save(const std::filesystem::path& file) const;

  // A score for each teacher, in order, NaN where it abstained; NaN where all did. Throws std::invalid_argument for another number of scores, or one outside
  // [0, 1].
  double operator()(std::span<const double> scores) const;

  int64_t num_teachers() const { return static_cast<int64_t>(terms_.size()); }
  // "mean", "votes" or "fit".
  const std::string& kind() const { return kind_; }
  // "fit-" and 16 hexadecimal digits over all that makes its values.
  std::string identity() const;
  // One line for people: "fit: 0.8 * first + 0.3 * second", say, with the log-odds that each teacher adds.
  std::string describe() const;

  // What one teacher adds: votes by the cut, otherwise slope * (logit(score) - centre).
  struct Term {
    double slope = 0;
    double centre = 0;
    double cut = 0.5;
    double yes = 0;
    double no = 0;
  };
  const std::vector<Term>& terms() const { return terms_; }
  double offset() const { return offset_; }

 private:
  Combination(std::string kind, std::vector<Term> terms, double offset) : kind_(std::move(kind)), terms_(std::move(terms)), offset_(offset) {}

  std::string kind_;
  std::vector<Term> terms_;
  double offset_;
};

}  // namespace lmtx
