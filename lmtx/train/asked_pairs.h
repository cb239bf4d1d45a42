// The pairs of document and label that a stage wants judged, and what became of each. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/report.h"

namespace lmtx {

enum class PairState : uint8_t {
  // No answer so far (failed, not answered); unknown for the cycle once the stage has closed.
  open,
  scored,
  abstained,
  // The teacher does not have it, and never will: counts as abstained.
  missing,
  // Not asked: the budget was spent.
  over_budget,
};

struct AskedPair {
  // Where scored.
  double score = 0;
  int32_t label = 0;
  PairState state = PairState::open;
  // Answered without asking: from an earlier cycle, or by what the store held before the run.
  bool from_store = false;
  // Answered in an earlier cycle of this run.
  bool earlier = false;
  // Counts against the budget. While it is open: a place in the budget is taken for it.
  bool charged = false;

  bool answered() const { return state == PairState::scored || state == PairState::abstained || state == PairState::missing; }
  bool operator==(const AskedPair&) const = default;
};

// Pairs by rising document; those of a document in the order in which they are put to the teacher, each label once.
class LMTX_API AskedPairs {
 public:
  // `document` is larger than all before; nothing happens where there are no labels.
  void add(int64_t document, std::span<const int64_t> labels);

  int64_t num_documents() const { return static_cast<int64_t>(documents_.size()); }
  int64_t num_pairs() const { return static_cast<int64_t>(pairs_.size()); }
  // The document at position i of those there are.
  int64_t document(int64_t i) const { return documents_[i]; }
  std::span<AskedPair> of(int64_t i) { return {pairs_.data() + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])}; }
  std::span<const AskedPair> of(int64_t i) const { return {pairs_.data() + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])}; }
  // The pairs of this document of the corpus; empty where it has none.
  std::span<const AskedPair> of_document(int64_t document) const;
  std::span<AskedPair> all() { return pairs_; }
  std::span<const AskedPair> all() const { return pairs_; }
  // Null where the pair is not wanted.
  const AskedPair* find(int64_t document, int64_t label) const;

  // Pairs that count against the budget.
  int64_t num_charged() const;

  // Whether all documents and labels are among so many.
  bool within(int64_t num_documents, int64_t num_labels) const;

  void save(const std::filesystem::path& file) const;
  // Throws std::runtime_error naming the file and the fault.
  static AskedPairs load(const std::filesystem::path& file);
  bool operator==(const AskedPairs&) const = default;

 private:
  std::vector<int64_t> documents_;
  std::vector<int64_t> offsets_{0};
  std::vector<AskedPair> pairs_;
};

// Pairs of all stages that count against the budget.
LMTX_API int64_t num_charged(std::span<const AskedPairs> stages);

// What one stage came to. A score of at least `yes_above` is a yes.
LMTX_API AskingReport summarize(const AskedPairs& pairs, double yes_above);
// What several came to: a pair wanted by several counts once, as the last of them left it; questions add up.
LMTX_API AskingReport summarize_distinct(std::span<const AskedPairs> stages, double yes_above);
// For disjoint pairs.
LMTX_API AskingReport operator+(const AskingReport& a, const AskingReport& b);

}  // namespace lmtx
