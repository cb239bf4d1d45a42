// The four kinds of pairs that RTS learns from (Zhang et al., Findings of EMNLP 2022). Internal.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lmtx/corpus/label_set.h"
#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"
#include "lmtx/train/text_file.h"
#include "lmtx/train/unsupervised/pair_source.h"

namespace lmtx {

struct SegmentPairOptions {
  // Which kinds there are: a title with itself, a label with itself, a title with each segment of its content, and segments of a content with each other.
  bool titles = true, labels = true, title_segments = true, segments = true;
  // Of a segment, as draw_segments() has it.
  int64_t min_words = 40;
  // Pairs an epoch; of more than that each kind keeps its share. 0: all.
  int64_t max_pairs = 0;
  // Tokens of a text, special tokens included.
  int64_t max_length = 160;
  std::string document_prompt = {}, label_prompt = {};
  uint64_t seed = 0;
};

struct SegmentTexts {
  // Of all documents, by number; a title may be empty, as may a content.
  TextFile titles, contents;
  std::shared_ptr<const LabelSet> labels;
  // Those to learn from, by rising number.
  std::vector<int64_t> document_numbers, label_numbers;
};

// The texts of a pair; parts of the files.
struct SegmentPair {
  std::string_view left, right;
  int64_t owner = 0;
};

// Segments are drawn anew in each epoch, and for each of the two kinds that have some. Those of a content are paired at random; of an odd number the last is
// paired with the first, a lone one with itself. Owners: the document, -1 - the label.
class LMTX_API SegmentPairs final : public PairSource {
 public:
  SegmentPairs(SegmentTexts texts, Tokenizer tokenizer, SegmentPairOptions options);

  int64_t size(int64_t epoch) const override { return epoch_of(epoch).size; }
  std::vector<TokenPair> take(int64_t epoch, std::span<const int64_t> numbers) const override;
  void add_to(detail::Hasher& key) const override;

  SegmentPair pair(int64_t epoch, int64_t number) const;

 private:
  enum Kind : size_t { title, label, title_segment, segment, num_kinds };

  struct Epoch {
    int64_t number = -1, size = 0;
    // By kind: how many pairs there are, and where fewer are taken, which.
    std::array<int64_t, num_kinds> all{}, taken{};
    std::array<std::vector<int64_t>, num_kinds> chosen{};
    // Pairs of the documents before each of document_numbers, and of all.
    std::vector<int64_t> title_segments_before, segments_before;
  };

  const Epoch& epoch_of(int64_t number) const;
  Epoch make_epoch(int64_t number) const;
  void choose(Epoch& epoch) const;
  std::vector<int64_t> lengths(const char* use, int64_t epoch, size_t place) const;
  SegmentPair title_segment_pair(const Epoch& epoch, int64_t number) const;
  SegmentPair segment_pair(const Epoch& epoch, int64_t number) const;

  SegmentTexts texts_;
  Tokenizer tokenizer_;
  SegmentPairOptions options_;
  // Documents with a title, and words of each document's content; by place in document_numbers.
  std::vector<int64_t> titled_;
  std::vector<int32_t> num_words_;
  // The epoch that was asked for last.
  mutable Epoch epoch_;
};

}  // namespace lmtx
