// Trains one student on a set of verdicts: the "train" stage of a cycle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>

#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/options.h"
#include "lmtx/train/token_file.h"

namespace lmtx {

struct StudentTrainingInput {
  // The weights to start from; not changed.
  const SentenceModel& start;
  const TokenFile& documents;
  const TokenFile& labels;
  // Special tokens at the end of a sequence, kept when a sequence is cut.
  int64_t suffix_size = 1;
  // Tokens of a document and a label in training (already resolved: never 0).
  int64_t document_length = 450;
  int64_t label_length = 15;
  // Tokens at the start of documents and labels that are left out of their vectors (TokenBatch::unpooled).
  int64_t document_unpooled = 0;
  int64_t label_unpooled = 0;
  // By rising document number, for plan "all_judged" with their targets (assign_targets()) and near labels. Documents without a yes are passed over, there by
  // `judged_documents`.
  std::span<const JudgedDocument> judged;
  const TrainerOptions& options;
  // Keys the random draws.
  int64_t cycle = 0;
  // Where step checkpoints go; made if missing. Empty: none are written.
  std::filesystem::path checkpoint_folder = {};
  // What `base_mix` mixes the trained weights with; null: `start`.
  const SentenceModel* base = nullptr;
};

struct StudentTrainingResult {
  // Detached; null where there is no step.
  std::shared_ptr<SentenceModel> student = {};
  int64_t steps = 0;
  // For plan "all_judged" documents with a positive.
  int64_t documents_with_yes = 0;
  int64_t documents_without_yes = 0;
  // Documents with a yes that an epoch leaves out.
  int64_t documents_left_over = 0;
  // Mean loss of the first and the last tenth of the steps.
  double first_loss = 0;
  double last_loss = 0;
};

// Steps as TrainerOptions say. With plan "one_yes" each takes `batch_size` documents that have a yes, in an order drawn per epoch, and one random yes of each
// as the columns of triplet_loss(); the last short batch of an epoch is dropped unless it is the only one. With "all_judged" it takes all that is judged of its
// documents (JudgedPlan, JudgedLoss). A batch over the token budget is embedded in parts, whose gradients are those of the whole batch (cached embeddings, as
// in GradCache, arXiv 2101.06983). The student is mixed with the base as `base_mix` says. Goes on from the newest checkpoint in the folder and ends with the
// weights of an uninterrupted call, bit for bit. Throws Stopped; an unfinished step is discarded.
LMTX_API StudentTrainingResult train_student(const StudentTrainingInput& input, const EventCallback& on_event = {}, std::stop_token stop = {});

}  // namespace lmtx
