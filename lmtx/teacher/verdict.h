// A teacher's answer for one label of one document.
#pragma once

#include <string>

#include "lmtx/export.h"

namespace lmtx {

class LMTX_API Verdict {
 public:
  enum class Kind {
    scored,
    // The teacher will not say. Stored, so that it is not asked again.
    abstained,
    // The outside world failed. Never stored; asked again.
    failed,
    // This teacher has no answer and never will have (a recording without the pair): counts as abstained for the run, never stored.
    missing,
  };

  // The probability of "relevant", in [0, 1]. Throws std::invalid_argument for another number or NaN.
  static Verdict score(double score);
  static Verdict yes() { return score(1); }
  static Verdict no() { return score(0); }
  static Verdict abstain();
  static Verdict fail(std::string reason);
  static Verdict miss();

  Kind kind() const { return kind_; }
  bool scored() const { return kind_ == Kind::scored; }
  // Meaningful where scored().
  double score() const { return score_; }
  // Why it failed, for a human.
  const std::string& reason() const { return reason_; }
  bool operator==(const Verdict&) const = default;

 private:
  Kind kind_ = Kind::abstained;
  double score_ = 0;
  std::string reason_;
};

}  // namespace lmtx
