// The stages of a cycle that look at the vectors of all documents and at the verdicts of all cycles. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/search/label_index.h"
#include "lmtx/search/ranked_lists.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/asking_streams.h"
#include "lmtx/train/development_set.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/label_refinement.h"
#include "lmtx/train/lengths.h"
#include "lmtx/train/options.h"
#include "lmtx/train/proposals.h"
#include "lmtx/train/student_view.h"
#include "lmtx/train/targets.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/twins.h"
#include "lmtx/train/work_folder.h"

namespace lmtx {

// A run's texts, and which of them are the same or held out; all outlive the stages.
struct RunTexts {
  const Corpus& corpus;
  const LabelSet& label_set;
  const TokenFile& documents;
  const TokenFile& labels;
  const Twins& document_twins;
  const Twins& label_twins;
  const DocumentSplit& split;
};

// What the stages ask of the run.
struct StageServices {
  // The base encoder for -1.
  std::function<Encoder(int64_t student)> load_student;
  // Events of a stage of a cycle.
  std::function<EventCallback(const std::string& stage, int64_t cycle)> events;
  std::stop_token stop;
};

// Whether a run with these options needs such stages at all; else the shortlists of Shortlister do.
LMTX_API bool needs_views(const TrainerOptions& options);

// Each stage leaves its result in the folder, whole or not at all, and is skipped where that lies there. The base encoder is student -1.
class LMTX_API ViewStages {
 public:
  ViewStages(const WorkFolder& folder, const TrainerOptions& options, const TextPrompts& prompts, const Lengths& lengths, const RunTexts& texts,
             StageServices services);

  // Proposes labels for the documents that are trained on, by the student of the cycle before and the other sources. `judged`: so far, with targets.
  void propose(int64_t cycle, std::span<const JudgedDocument> judged) const;
  // What to ask of them: `budget` new pairs. `earlier`: the stages of asking so far, `judged` their targets.
  Asking choose(int64_t cycle, std::span<const AskedPairs> earlier, std::span<const JudgedDocument> judged, int64_t budget) const;

  // The verdicts of `stages` (of cycles 0, 1, ...) with their targets, and the labels near to each document.
  std::vector<JudgedDocument> judged(std::span<const AskedPairs> stages) const;

  // The labels of the cycle's student, moved by the verdicts; `share`, in [0, 1], of the options' `prototype_weight`.
  LabelIndex refined(int64_t cycle, std::span<const JudgedDocument> judged, double share) const;
  // Keeps the index of a cycle, whose labels are those of its student from then on.
  void keep(int64_t cycle, const LabelIndex& index) const;
  bool has_index(int64_t student) const;
  // Of the student's labels, as they were kept, or their names alone.
  LabelIndex index(int64_t student) const;

  // The first labels of the documents held out, by a student and an index of its labels.
  Shortlists rank_held_out(int64_t student, const LabelIndex& index, int64_t k) const;
  // The same by words.
  RankedLists words_of_held_out() const;

 private:
  struct Words {
    RankedLists training, held_out;
  };

  ViewTexts view_texts() const { return {texts_.documents, texts_.labels, texts_.split.training, texts_.split.development}; }
  // Opened once; valid until another student's is asked for.
  const StudentView& view(int64_t student) const;
  std::filesystem::path folder_of(int64_t student) const;
  Words words() const;
  Proposals load_proposals(int64_t cycle) const;
  // Of the document's first twin among those that are trained on.
  int64_t row_of(int64_t document) const;
  void add_near(std::vector<JudgedDocument>& judged, int64_t cycle) const;
  void mark_random(std::vector<JudgedDocument>& judged, std::span<const AskedPairs> stages) const;
  // The pairs of documents that are trained on, each once.
  JudgedPairs pairs_of(std::span<const JudgedDocument> judged) const;

  const WorkFolder& folder_;
  const TrainerOptions& options_;
  const TextPrompts& prompts_;
  const Lengths& lengths_;
  const RunTexts texts_;
  const StageServices services_;
  // Opening one reads all of it, for its checksums.
  mutable std::map<int64_t, StudentView> views_;
};

}  // namespace lmtx
