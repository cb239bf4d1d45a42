// Which of the proposed labels are put to the teacher. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/shortlister.h"

namespace lmtx {

class LMTX_API AskingPolicy {
 public:
  virtual ~AskingPolicy() = default;
  // Labels to judge for a document with this shortlist (best first), in the order of the question. Depends on nothing but the arguments.
  virtual std::vector<int64_t> choose(int64_t document, std::span<const int32_t> shortlist) const = 0;
};

// The paper's: the top of the shortlist.
class LMTX_API AskTop final : public AskingPolicy {
 public:
  explicit AskTop(int64_t labels) : labels_(labels) {}
  std::vector<int64_t> choose(int64_t document, std::span<const int32_t> shortlist) const override;

 private:
  int64_t labels_;
};

// What a policy wants of these documents.
LMTX_API AskedPairs choose_pairs(const AskingPolicy& policy, const Shortlists& shortlists);

}  // namespace lmtx
