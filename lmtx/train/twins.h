// Documents, and labels, that a teacher cannot tell apart: they are judged once. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/export.h"

namespace lmtx {

class LMTX_API Twins {
 public:
  Twins() = default;
  // Documents with the same title and content. Memory while it looks: about 64 bytes a document.
  static Twins of(const Corpus& documents);
  // Labels with the same name and description.
  static Twins of(const LabelSet& labels);

  // The first that reads as number i: i itself where there is no earlier one.
  int64_t first(int64_t i) const;
  bool is_first(int64_t i) const { return first(i) == i; }
  // Those of the numbers below `size` that read as no earlier one, rising.
  std::vector<int64_t> firsts(int64_t size) const;
  // All later numbers that read as `first`.
  std::vector<int64_t> others(int64_t first) const;
  // How many have an earlier twin.
  int64_t size() const { return static_cast<int64_t>(by_number_.size()); }

  void save(const std::filesystem::path& file) const;
  static Twins load(const std::filesystem::path& file);

 private:
  struct Twin {
    int64_t number;
    int64_t first;
  };
  explicit Twins(std::vector<Twin> by_number);

  // By rising number, and by rising first, then number.
  std::vector<Twin> by_number_;
  std::vector<Twin> by_first_;
};

}  // namespace lmtx
