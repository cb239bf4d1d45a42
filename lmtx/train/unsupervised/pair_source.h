// Pairs of texts to be drawn together, epoch by epoch. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/export.h"

namespace lmtx {

struct TokenPair {
  std::vector<int32_t> left, right;
  // Whose it is (ContrastRow::owner).
  int64_t owner = 0;
};

class LMTX_API PairSource {
 public:
  virtual ~PairSource();

  // Pairs of an epoch, from 0.
  virtual int64_t size(int64_t epoch) const = 0;
  // These pairs of the epoch: a pure function. Belongs to one thread at a time.
  virtual std::vector<TokenPair> take(int64_t epoch, std::span<const int64_t> numbers) const = 0;
  // As TrainingSteps::add_to().
  virtual void add_to(detail::Hasher& key) const = 0;
};

}  // namespace lmtx
