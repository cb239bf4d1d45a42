// The labels proposed for documents, out of several sources. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/search/ranked_lists.h"
#include "lmtx/train/shortlister.h"
#include "lmtx/train/twins.h"

namespace lmtx {

struct TrainerOptions;

// Who proposed a label, as bits.
namespace proposed_by {
inline constexpr uint8_t dense = 1;        // near by an encoder's vectors
inline constexpr uint8_t bm25 = 2;         // its name shares words with the document
inline constexpr uint8_t neighbours = 4;   // judged a yes for documents near by
inline constexpr uint8_t exploration = 8;  // drawn at random
}  // namespace proposed_by

// Of each document a list of different labels, best first, those drawn at random last.
struct LMTX_API Proposals {
  // By rising number.
  std::vector<int64_t> documents;
  // Document i has the labels from offsets[i] to offsets[i + 1].
  std::vector<int64_t> offsets{0};
  std::vector<int32_t> labels;
  // By which they are ranked: the source's own where there is one, else fused; 0 for those drawn at random.
  std::vector<float> scores;
  // Bits of proposed_by.
  std::vector<uint8_t> sources;
  // The cosine of each label and its document, as add_cosines() finds them; empty before.
  std::vector<float> cosines;

  int64_t size() const { return static_cast<int64_t>(documents.size()); }
  std::span<const int32_t> labels_of(int64_t i) const { return std::span(labels).subspan(offsets[i], offsets[i + 1] - offsets[i]); }
  // Whether all documents and labels are among so many.
  bool within(int64_t num_documents, int64_t num_labels) const;
  void save(const std::filesystem::path& file) const;
  // Throws std::runtime_error naming the file and the fault.
  static Proposals load(const std::filesystem::path& file);
  bool operator==(const Proposals&) const = default;
};

struct LMTX_API ProposalOptions {
  // Bits of proposed_by: the rankings that are fused.
  uint8_t sources = proposed_by::dense;
  // Most labels a document.
  int64_t size = 100;
  // Of these, labels drawn at random from those that no list has; they take the last places.
  int64_t exploration = 0;
  // Above 0: scores are mixed, cosines with this weight, the others, each divided by its best, with equal parts of the rest. 0: reciprocal ranks.
  double dense_weight = 0;
  // >= 0: how much labels of judged neighbours count, beside the others' 1, in either way.
  double neighbours_weight = 1;
  // Key the draws.
  uint64_t seed = 0;
  int64_t cycle = 0;

  static ProposalOptions of(const TrainerOptions& options, int64_t cycle);
};

// "dense", "dense+bm25", ... as bits. Throws std::invalid_argument for other names.
LMTX_API uint8_t parse_sources(const std::string& names);

// List i of each is of the i-th document; a source that `options` does not name may be null.
struct ProposalRankings {
  const Shortlists* dense = nullptr;
  const RankedLists* bm25 = nullptr;
  const RankedLists* neighbours = nullptr;
};

// Fuses the rankings of `documents` (rising numbers; Shortlists must be of the same ones), then draws. Of labels that read alike only the first is proposed.
// The same arguments give the same proposals. Throws std::invalid_argument for a ranking that is missing or of another number of documents; Stopped on request.
LMTX_API Proposals propose(std::span<const int64_t> documents, const ProposalRankings& rankings, int64_t num_labels, const Twins& label_twins,
                           const ProposalOptions& options, std::stop_token stop = {});

// Fills in `cosines`. `document_vectors` [proposals.size(), dim] and `label_vectors` [num_labels, dim]: unit rows, float32, on one device.
LMTX_API void add_cosines(Proposals& proposals, const at::Tensor& document_vectors, const at::Tensor& label_vectors);

}  // namespace lmtx
