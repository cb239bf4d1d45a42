// The labels of a task, searchable by the words that their names share with a text.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>

#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/search/ranked_lists.h"

namespace lmtx {

struct Bm25Options {
  // How soon a word that a label repeats stops counting, >= 0: 0 counts each word of a label once.
  double k1 = 1.5;
  // How much a label's length weighs, in [0, 1].
  double b = 0.75;
  // How soon a word that a query repeats stops counting, >= 0: 0 counts each word of a query once, infinity each as often as it is there.
  double k3 = 2;
  // Leave out Lucene's English stop words ("the", "of", ...).
  bool drop_stop_words = true;
  // Make English plurals singular: "policies" is "policy".
  bool stem_plurals = true;
};

// BM25 (Robertson and Zaragoza 2009, The Probabilistic Relevance Framework, section 3.5) with Lucene's idf, which is never negative: a label's text of length n
// with word w f times scores
//   sum over w of  ln(1 + (N - n_w + 0.5) / (n_w + 0.5))  *  f / (f + k1 (1 - b + b n / mean n))  *  (k3 + 1) q / (k3 + q)
// for a query with w q times, where n_w of all N texts have w. Words are runs of two and more letters, digits and "_" in lower case, and single ideographs.
// Texts are owned by label numbers: a label may own several, the best counts. An immutable value, cheap to copy; const methods may be called from several
// threads.
class LMTX_API Bm25Index {
 public:
  // texts[i] belongs to label owners[i] (>= 0). Nothing of them is kept but counts.
  // Throws std::invalid_argument for a negative owner, another number of owners, or options out of range.
  static Bm25Index build(std::span<const std::string_view> texts, std::span<const int64_t> owners, const Bm25Options& options = {});
  // texts[i] belongs to label i.
  static Bm25Index build(std::span<const std::string_view> texts, const Bm25Options& options = {});

  // For each query the k best labels of those that share a word with it, best first; equal scores by the smaller label number. The same bits whatever the
  // number of threads. Takes torch's threads, and for each of them 4 bytes a text of the index. Reports progress in queries as the stage "search words".
  // Throws std::invalid_argument for k < 1; Stopped on request.
  RankedLists search(std::span<const std::string_view> queries, int64_t k, const EventCallback& on_event = {}, std::stop_token stop = {}) const;

  // Labels that own a text.
  int64_t num_labels() const;
  int64_t num_texts() const;
  // Different words.
  int64_t num_words() const;
  const Bm25Options& options() const;

 private:
  struct Impl;
  explicit Bm25Index(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx
