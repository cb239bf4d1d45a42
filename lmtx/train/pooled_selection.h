// The documents held out where `selection` is "pooled": what is ranked and asked on them, and which student that speaks for. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/options.h"
#include "lmtx/train/selection.h"
#include "lmtx/train/view_stages.h"
#include "lmtx/train/work_folder.h"

namespace lmtx {

// In what follows `asked` are the stages that asked about documents held out, of cycles 0, 1, …. Each cycle's labels are kept as its own verdicts and those
// before choose; which cycle is kept is a matter of the newest verdicts.
class LMTX_API PooledSelection {
 public:
  // `pairs` may be asked in all. References outlive this.
  PooledSelection(const ViewStages& stages, const WorkFolder& folder, const TrainerOptions& options, const RunTexts& texts, int64_t pairs);

  // Leaves in the cycle's folder what its student ranks first, once for each weight that its labels may have, and in the first cycle what the base encoder
  // does. `judged`: all verdicts so far, with targets.
  void rank(int64_t cycle, std::span<const JudgedDocument> judged) const;
  // Pairs that wanted() can name from the second cycle on.
  int64_t most_wanted() const;
  // First labels that no cycle before this asked, as far as the pairs go: half of them in the first cycle, when words are asked about, too.
  AskedPairs wanted(int64_t cycle, std::span<const AskedPairs> asked) const;
  // The share of the options' `prototype_weight` that the labels of the cycle keep; `asked` has its stage.
  double kept_share(int64_t cycle, std::span<const AskedPairs> asked) const;
  // The untouched base encoder and each cycle that was ranked, as its labels were kept.
  std::vector<Candidate> candidates(std::span<const AskedPairs> asked) const;

 private:
  Candidate kept(int64_t cycle, std::span<const AskedPairs> asked) const;
  bool is_ranked(int64_t cycle) const;
  RankedLabels load(int64_t cycle, const std::string& ranking) const;
  RankedLabels by_words() const;
  std::vector<int64_t> without_twins(std::span<const int64_t> labels) const;
  std::vector<PastPair> verdicts(std::span<const AskedPairs> asked) const;

  const ViewStages& stages_;
  const WorkFolder& folder_;
  const TrainerOptions& options_;
  const RunTexts texts_;
  const int64_t pairs_;
};

}  // namespace lmtx
