// Documents with a label each, as training takes them. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/training_texts.h"
#include "lmtx/train/unsupervised/pair_source.h"

namespace lmtx {

// By rising document; a document may have several. Format of the file: docs/formats/run.md.
struct LMTX_API LabelPairs {
  std::vector<int64_t> documents, labels;

  void save(const std::filesystem::path& file) const;
  // Throws std::runtime_error naming the file and the fault.
  static LabelPairs load(const std::filesystem::path& file);
  // Whether all are among so many.
  bool within(int64_t num_documents, int64_t num_labels) const;
};

// The same pairs in each epoch. Owners: the document.
class LMTX_API LabelPairSource final : public PairSource {
 public:
  LabelPairSource(LabelPairs pairs, TrainingTexts texts);

  int64_t size(int64_t) const override { return static_cast<int64_t>(pairs_.documents.size()); }
  std::vector<TokenPair> take(int64_t epoch, std::span<const int64_t> numbers) const override;
  void add_to(detail::Hasher& key) const override;

 private:
  LabelPairs pairs_;
  TrainingTexts texts_;
};

}  // namespace lmtx
