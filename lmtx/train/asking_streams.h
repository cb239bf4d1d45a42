// Which pairs a round of asking puts to the teacher, where a budget is to be spent well: breadth before depth, several streams with a share each, and no pair
// twice. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/proposals.h"
#include "lmtx/train/shortlister.h"

namespace lmtx {

struct TrainerOptions;

// Why a pair is asked; kept beside the pairs, in a byte each.
enum class AskingStream : uint8_t {
  // From the top of a list: of a document that was not asked yet, or the highest that nobody judged.
  top = 0,
  // Of a document that was not asked yet, drawn uniformly from the places below these, to `lower_places`.
  lower = 1,
  // Where the scores leave the answer open.
  cut = 2,
  // A label that few documents carry so far, on one that it scores high for.
  coverage = 3,
  // Drawn uniformly from the first `pool` places of all documents: the only ones that rates may be estimated from.
  random = 4,
};

// The labels proposed for each document, best first, with scores that need not fall along a list; views of what someone else keeps.
struct LMTX_API ProposedLabels {
  // [n], rising.
  std::span<const int64_t> documents;
  // [n + 1]: document i has the labels and scores from offsets[i] to offsets[i + 1].
  std::vector<int64_t> offsets;
  std::span<const int32_t> labels;
  std::span<const float> scores;

  static ProposedLabels of(const Shortlists& shortlists);
  // Scores are cosines where they are filled in, which compare across documents; places are those of the fused list in any case.
  static ProposedLabels of(const Proposals& proposals);
  int64_t size() const { return static_cast<int64_t>(documents.size()); }
  int64_t length(int64_t i) const { return offsets[i + 1] - offsets[i]; }
};

// A pair that an earlier round asked and that was answered.
struct PastPair {
  int64_t document = 0;
  int32_t label = 0;
  // The share of yes that the verdict is worth, in [0, 1]; NaN where the teacher abstained.
  float target = 0;
};

// The answered pairs of earlier stages, each once, by rising document and label. `target_of` makes the target of a pair that is scored.
using TargetOf = std::function<double(int64_t document, const AskedPair& pair)>;
LMTX_API std::vector<PastPair> past_pairs(std::span<const AskedPairs> stages, const TargetOf& target_of);

struct LMTX_API AskingOptions {
  // Labels of a document that is asked for the first time: the last of them is drawn from the places below, the others are its first.
  int64_t breadth = 4;
  // Shares of a round; what is left goes to the top of the lists.
  double cut_share = 0.2, coverage_share = 0.2, random_share = 0.1;
  // A document's list is left once so many judged labels in a row were noes, the last before the next, which is likely one, too; 0: never.
  int64_t stop_after_noes = 2;
  // Which documents come first: "random", or "spread" (each as different as can be from those before).
  std::string first_documents = "random";

  static AskingOptions of(const TrainerOptions& options);
};

struct Asking {
  // By rising document, labels by place in its list.
  AskedPairs pairs;
  // Of each pair, in their order.
  std::vector<AskingStream> streams;
  // Pairs that nobody asked before. The others were drawn into the random stream and have an answer: leaving them out would bend the rates.
  int64_t num_new = 0;
};

// What to ask in `round` (from 0): `budget` new pairs, or all there are. `past`: as past_pairs() gives it; these are not asked again. `vectors`, [n, dim]: the
// documents' unit vectors, for `first_documents` "spread" only. All draws are keyed by seed and round.
// A first round goes for breadth: so many documents, `breadth` labels each. Later ones give half of their top share to documents that were not asked yet, the
// other half to first places that nobody judged, then go down the lists. A stream that finds nothing leaves its share to the top. The random stream gets a pair
// at least. Throws std::invalid_argument for vectors that do not fit.
LMTX_API Asking choose_by_streams(const ProposedLabels& proposed, std::span<const PastPair> past, int64_t budget, int64_t round, uint64_t seed,
                                  const AskingOptions& options, const at::Tensor& vectors = {});

// The highest places that nobody judged, a place of all documents before the next, as far as the budget goes. All streams are `top`.
LMTX_API Asking choose_by_place(const ProposedLabels& proposed, std::span<const PastPair> past, int64_t budget, int64_t round, uint64_t seed);

LMTX_API void save_streams(std::span<const AskingStream> streams, const std::filesystem::path& file);
// Throws std::runtime_error naming the file and the fault; also where it is not of so many pairs, if `num_pairs` is not negative.
LMTX_API std::vector<AskingStream> load_streams(const std::filesystem::path& file, int64_t num_pairs = -1);

}  // namespace lmtx
