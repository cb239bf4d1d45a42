// What a run did, in numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// What a run will take of the teacher, estimated from a sample of its questions. Each with a 95 % interval over the documents drawn, for all judgments of the
// plan; the plan is an upper bound, so these are, too.
struct Estimate {
  // How many questions were looked at; 0: none, the teacher's answers to earlier runs told.
  int64_t sampled = 0;
  // Prompt tokens; those of them that are left to compute where the teacher has a prefix cache; tokens of answers.
  Interval prompt_tokens, computed_tokens, completion_tokens;
  // Money, without and with a prefix cache; unset without prices.
  std::optional<Interval> cost, cost_with_cache;
  // Hours, without and with a prefix cache; unset where nobody knows how fast the teacher is.
  std::optional<Interval> hours, hours_with_cache;
};

// An upper bound on what a run will ask, before anything is spent.
struct LMTX_API Plan {
  int64_t documents = 0;
  int64_t labels = 0;
  int64_t development = 0;
  int64_t cycles = 0;
  // Documents put to the teacher, once a document and cycle.
  int64_t questions = 0;
  // Pairs, those that the store will answer included.
  int64_t pairs_wanted = 0;
  // Of these, at most so many are charged to the budget.
  int64_t judgments = 0;
  // Unset where neither the teacher nor the store can tell.
  std::optional<Estimate> estimate = {};
  // Of the budget's limits, the one that the plan reaches first: "judgments", "tokens", "cost" or "seconds"; empty: none.
  std::string limit = {};
  std::string to_string() const;
};

// What asking came to, in a cycle or a run.
struct AskingReport {
  // Documents put to the teacher, once in each stage that asks, however often they are offered again.
  int64_t questions = 0;
  // Pairs, those answered from the store included.
  int64_t pairs_wanted = 0;
  // Of these, answered from the store without asking.
  int64_t from_store = 0;
  // Distinct scored pairs.
  int64_t judgments = 0;
  // Distinct pairs that the teacher would not say or, as a recording, does not have.
  int64_t abstentions = 0;
  // Of these, those that the recording does not have.
  int64_t missing = 0;
  // Pairs left open (accept_missing), unknown for the cycle.
  int64_t open = 0;
  // Pairs not asked because the budget was spent.
  int64_t over_budget = 0;
  // Scored pairs that are a yes.
  int64_t yes = 0;
  double yes_rate() const { return judgments ? static_cast<double>(yes) / static_cast<double>(judgments) : 0; }
};

// What a run was given, and what of it could not be used as it was.
struct InputReport {
  int64_t documents = 0;
  int64_t labels = 0;
  // Without any token of its own: neither asked about nor trained on.
  int64_t empty_documents = 0;
  // With the text of an earlier one: judged once, with it.
  int64_t repeated_documents = 0;
  int64_t repeated_labels = 0;
  // With more tokens than are read, in training or search.
  int64_t cut_documents = 0;
  int64_t cut_labels = 0;
};

struct CycleReport {
  int64_t cycle = 0;
  AskingReport training;
  AskingReport development;
  // Documents with at least one yes, those that were trained on.
  int64_t documents_with_yes = 0;
  int64_t documents_without_yes = 0;
  // Documents with a yes that each pass leaves out, others each time: fewer than fill a batch.
  int64_t documents_left_over = 0;
  int64_t steps = 0;
  // Mean loss of the first and the last tenth of the steps.
  double first_loss = 0;
  double last_loss = 0;
  // Share of development documents whose rank-1 label is a yes, abstentions left out; unset without development verdicts.
  std::optional<Interval> development_precision;
  // Whether the run went on with this cycle's student as the best so far.
  bool accepted = false;
  // What its answers cost, as far as the teacher or the run's rates say.
  Usage usage = {};
};

struct LMTX_API TrainingReport {
  std::string teacher;
  InputReport inputs;
  // Distinct over all cycles.
  AskingReport total;
  std::vector<CycleReport> cycles;
  // The untouched encoder on the development documents: what it ranks first is judged with the first student, and counted there; never a candidate.
  std::optional<Interval> untouched_precision;
  // Index of the cycle whose student the tagger carries; -1 where nothing could be trained.
  int64_t best_cycle = -1;
  // Why the run ended: "cycles" (all done), "no gain", "budget" or "nothing to learn" (no document has a yes); without a teacher "stages" (all done) or
  // "nothing to learn".
  std::string ended;
  // Sentences for the user: what was skipped, and why.
  std::vector<std::string> notices;
  // Folders of the trained students, cycle by cycle, and of the tagger.
  std::vector<std::string> student_folders;
  std::string tagger_folder;
  // What all answers cost.
  Usage usage() const;
  // What a thousand judgments of each cycle bought: by how much the held-out precision rose over the one before (in the first cycle over the untouched
  // encoder's), divided by the cycle's judgments in thousands; unset where either is unknown or nothing was judged.
  std::vector<std::optional<double>> gains_per_thousand() const;
  // Format: docs/formats/report.md. Metrics in per cent.
  std::string to_json() const;
  std::string to_string() const;
};

// Reads back what to_json() wrote, also where a checksum was added. Throws std::runtime_error naming `place`, such as the file that the text is from, and the
// fault.
LMTX_API TrainingReport report_from_json(const std::string& text, const std::string& place = "report");

}  // namespace lmtx
