// Runs the curriculum in a work folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/teacher/budget.h"
#include "lmtx/teacher/teacher_oracle.h"
#include "lmtx/train/options.h"
#include "lmtx/train/report.h"

namespace lmtx {

// Where a run lives and what it may spend.
struct RunOptions {
  // The work folder; made when run() starts. Format: docs/formats/run.md.
  std::filesystem::path folder = {};
  // The judgment store; empty means `judgments.db` in the work folder.
  std::filesystem::path store = {};
  Budget budget = {};
  // Prices answers to which the teacher gives no cost; may change from call to call.
  Rates rates = {};
};

// The run needs answers that did not come (an offline batch, a teacher that failed): everything is saved, and the same command goes on.
class LMTX_API PairsOpen : public TeacherError {
 public:
  PairsOpen(const std::string& message, int64_t pairs) : TeacherError(message), pairs(pairs) {}
  int64_t pairs;
};

// The curriculum of LMTX (COLING 2025, arXiv 2406.09288): shortlist, ask, train, measure, until held-out verdicts stop improving. With the option `method`
// "maclr" or "rts" a run learns from documents and label names alone: it asks nothing, needs no teacher (null), and leaves one that is given, store and budget
// alone. The same command on the same folder goes on after any interruption and ends with the identical model; on a finished folder it returns the report.
class LMTX_API CurriculumTrainer {
 public:
  // Checks everything that can be checked before anything is made or asked: std::invalid_argument for options that make no sense, an empty corpus or
  // label set, or a folder that holds a run with other options or inputs (naming them).
  CurriculumTrainer(Encoder base, Corpus documents, LabelSet labels, std::shared_ptr<TeacherOracle> teacher, TrainerOptions options, RunOptions run);
  ~CurriculumTrainer();
  CurriculumTrainer(CurriculumTrainer&&) noexcept;
  CurriculumTrainer& operator=(CurriculumTrainer&&) noexcept;

  // What run() will ask at most.
  Plan plan() const;

  // Throws Stopped on a stop request, PairsOpen or TeacherError when the teacher cannot go on, std::runtime_error when another process holds the folder or
  // the disk fails. In every case the same command goes on from there.
  TrainingReport run(const EventCallback& on_event = {}, std::stop_token stop = {});

  const TrainerOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lmtx
