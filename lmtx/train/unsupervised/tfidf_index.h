// Label names, found by the words and pairs of words that a text shares with them. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// How many texts have each term. Terms are words in lower case and pairs of neighbours.
class LMTX_API TermCounts {
 public:
  TermCounts();
  // Counts a text, as one of all.
  void add(std::string_view text);
  int64_t num_texts() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

// TF-IDF as MACLR's second stage has it: a text is two blocks of terms, words and pairs, each tf * max(ln(N / (df + 1)), 0) scaled to unit length, the whole to
// unit length again; terms in over 98 % of all texts are left out. Immutable, cheap to copy; const methods may be called from several threads.
class LMTX_API TfidfIndex {
 public:
  // names[i] is that of label labels[i]; the numbers rise. `counts` are of documents and labels together. Memory: 12 bytes a term of a name.
  static TfidfIndex build(std::span<const std::string_view> names, std::span<const int64_t> labels, const TermCounts& counts);

  struct Match {
    // -1 where no label shares a term of weight with the text.
    int64_t label = -1;
    float score = 0;
  };
  // The label with the largest inner product for each text, of equal ones the first. Takes torch's threads, and for each 4 bytes a label; the same bits
  // whatever their number.
  std::vector<Match> best(std::span<const std::string_view> texts, const std::stop_token& stop = {}) const;

 private:
  struct Impl;
  explicit TfidfIndex(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx
