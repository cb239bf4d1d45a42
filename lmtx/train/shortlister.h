// Proposes labels for documents: the nearest by an encoder. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <vector>

#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/search/label_index.h"
#include "lmtx/train/embedding.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/twins.h"

namespace lmtx {

// The labels proposed for some documents, best first.
struct LMTX_API Shortlists {
  // Labels a document.
  int64_t k = 0;
  // By rising number.
  std::vector<int64_t> documents;
  // [documents.size(), k], row by row.
  std::vector<int32_t> labels;
  std::vector<float> scores;

  std::span<const int32_t> operator[](int64_t i) const { return {labels.data() + i * k, static_cast<size_t>(k)}; }
  // Whether all documents and labels are among so many.
  bool within(int64_t num_documents, int64_t num_labels) const;
  void save(const std::filesystem::path& file) const;
  // Throws std::runtime_error naming the file and the fault.
  static Shortlists load(const std::filesystem::path& file);
};

// Where an encoder's vectors are searched: on its device; older cards embed, and the CPU searches for them.
LabelIndex beside(const LabelIndex& index, const Encoder& encoder);

class LMTX_API Shortlister {
 public:
  // Embeds the labels, of those that read alike the first: so that a shortlist of k is k different questions.
  Shortlister(Encoder encoder, const TokenFile& labels, const Twins& label_twins, const EmbeddingOptions& options, const EventCallback& on_event = {},
              std::stop_token stop = {});

  // The `k` different labels nearest to each of `numbers`, or all where there are fewer. Documents are embedded block by block, and only their shortlists stay;
  // what is done is kept in `log`, from where a second call goes on.
  Shortlists shortlist(const TokenFile& documents, std::span<const int64_t> numbers, int64_t k, const std::filesystem::path& log,
                       const EventCallback& on_event = {}, std::stop_token stop = {}) const;

 private:
  LabelMatches search_block(const TokenFile& documents, std::span<const int64_t> numbers, int64_t k, const EventCallback& on_event, std::stop_token stop) const;

  Encoder encoder_;
  EmbeddingOptions options_;
  LabelIndex index_;
};

}  // namespace lmtx
