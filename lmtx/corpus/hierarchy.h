// Which labels are broader than which.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

class LabelSet;

struct HierarchyOptions {
  // Pass over broader labels that are not in the set.
  bool ignore_unknown = false;
  // Leave out, of the broader labels that lead round in a circle, the one that closes it, going by rising label numbers.
  bool ignore_cycles = false;
};

// Made of Label::broader. Labels are numbers as in the LabelSet that it was made of. An immutable value; const methods may be called
// from several threads. Memory: 32 bytes a label and 16 for each broader label.
class LMTX_API Hierarchy {
 public:
  // Throws std::invalid_argument naming the uids for a broader label that is not there, and for a circle.
  explicit Hierarchy(const LabelSet& labels, const HierarchyOptions& options = {});

  // All methods throw std::out_of_range for a number that the set lacks.
  // The labels directly above and below, by rising number, each once.
  std::span<const int64_t> broader(int64_t label) const;
  std::span<const int64_t> narrower(int64_t label) const;
  // All above and below, the nearest first, those of equal distance by rising number, each once; without the label itself.
  std::vector<int64_t> ancestors(int64_t label) const;
  std::vector<int64_t> descendants(int64_t label) const;
  // Steps up to the nearest label without a broader one; 0 for such a label.
  int64_t depth(int64_t label) const;
  int64_t size() const { return static_cast<int64_t>(up_.offsets.size()) - 1; }

 private:
  // Neighbors of label i: those from offsets[i] to offsets[i + 1].
  struct Links {
    std::vector<int64_t> offsets;
    std::vector<int64_t> neighbors;
    std::span<const int64_t> of(int64_t label) const;
    // Without neighbors below 0.
    Links without_holes() const;
    // Neighbors of those that are neighbors here.
    Links turned_round() const;
  };
  class Search;

  std::vector<int64_t> reach(const Links& links, int64_t label) const;
  void check(int64_t label) const;

  Links up_, down_;
};

}  // namespace lmtx
