// What a run has spent of its budget. Internal.
#pragma once

#include <cstdint>

#include "lmtx/export.h"
#include "lmtx/teacher/budget.h"

namespace lmtx {

// Pairs are taken one by one, before they are asked. Tokens and money are put aside by what a question is expected to take, and then used as answers say.
class LMTX_API Spending {
 public:
  // Of `budget`, `spent` pairs and `used` tokens and money are gone already.
  Spending(const Budget& budget, int64_t spent, const Usage& used = {});

  // Puts `pairs` aside for a later stage, and a share of what is left of tokens and money.
  void keep_back(int64_t pairs);
  void keep_back_share(double share);

  // Takes one pair; false where nothing is left.
  bool take();
  // Gives back a pair that was taken but not used.
  void give_back();
  int64_t left() const { return pairs_left_; }

  // Whether tokens and money suffice for a question that is expected to take so much; 0 where nobody knows.
  bool suffices_for(const Usage& expected) const;
  // Puts aside what a question is expected to take, until it is given back.
  void put_aside(const Usage& expected) { aside_.add(expected, 1); }
  void give_back(const Usage& expected) { aside_.add(expected, -1); }
  void use(const Usage& usage) { left_.add(usage, -1); }
  // Whether tokens or money are gone; what is put aside is still there.
  bool used_up() const { return left_.tokens <= 0 || left_.cost <= 0; }

 private:
  struct Amount {
    double tokens = 0, cost = 0;
    void add(const Usage& usage, double times);
  };

  int64_t pairs_left_;
  Amount left_, aside_;
};

}  // namespace lmtx
