// One call of CurriculumTrainer::run(): the stages of the curriculum, told in order. Internal.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/teacher_oracle.h"
#include "lmtx/train/accounts.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/asker.h"
#include "lmtx/train/development_set.h"
#include "lmtx/train/judged_document.h"
#include "lmtx/train/lengths.h"
#include "lmtx/train/options.h"
#include "lmtx/train/pooled_selection.h"
#include "lmtx/train/report.h"
#include "lmtx/train/shortlister.h"
#include "lmtx/train/spending.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/twins.h"
#include "lmtx/train/view_stages.h"
#include "lmtx/train/work_folder.h"

namespace lmtx {

// What a run works on; checked.
struct CurriculumInput {
  Encoder base;
  Corpus documents;
  std::shared_ptr<const LabelSet> labels;
  std::shared_ptr<TeacherOracle> teacher;
  TrainerOptions options;
  TextPrompts prompts;
  Lengths lengths;
  WorkFolder folder;
  // Of the store; in the work folder unless one is shared.
  std::filesystem::path store;
  Rates rates = {};
};

// Each stage leaves its result in the folder, there whole or not at all, and is skipped where that lies there: so a run goes on after any interruption. What a
// later stage needs it reads from these results alone, never from the store or the order in which answers came.
class Curriculum {
 public:
  // `manifest` is that of the folder, which is locked.
  Curriculum(const CurriculumInput& input, const RunManifest& manifest, const EventCallback& on_event, std::stop_token stop);

  TrainingReport run();

 private:
  // Of a cycle's training stage (trained.json).
  struct Trained {
    bool has_student = false;
    int64_t steps = 0, documents_with_yes = 0, documents_without_yes = 0, documents_left_over = 0;
    double first_loss = 0, last_loss = 0;
  };

  void prepare();
  void run_cycle(int64_t cycle);
  void prepare_stages();
  DocumentSplit split(const std::vector<bool>& is_empty, const Twins& twins) const;
  void propose(int64_t cycle);
  void propose_from_views(int64_t cycle);
  AskedPairs ask_training(int64_t cycle);
  AskedPairs ask_chosen(int64_t cycle);
  void keep_labels(int64_t cycle);
  Trained train(int64_t cycle);
  Trained train_newly(int64_t cycle);
  std::vector<JudgedDocument> to_learn_from() const;
  AskedPairs ask_development(int64_t cycle);
  void rank_held_out(int64_t cycle);
  void close_cycle(int64_t cycle, const Trained& trained);
  void save_tagger();
  TrainingReport finish();

  void measure(int64_t cycle, CycleReport& now, TrainingReport& report) const;
  void decide(const Trained& trained, CycleReport& now, TrainingReport& report) const;
  // Whether students are compared by the verdicts of all cycles.
  bool is_pooled() const { return pooled_ && !split_.development.empty(); }
  bool is_accepted(const CycleReport& cycle) const;
  std::string why_ended(const CycleReport& cycle, bool has_student) const;
  bool learned_nothing_new(int64_t cycle) const;
  std::string why_base() const;
  int64_t best_cycle() const;

  AskedPairs ask(int64_t cycle, AskedPairs wanted, std::span<const AskedPairs> earlier, Spending spending, const std::string& result);
  AskerOptions asker_options(double seconds_spent, bool is_training) const;
  Spending spending_so_far() const;
  // Without what is put aside for the documents held out.
  Spending spending_on_training(int64_t cycle) const;
  int64_t development_reserve(int64_t cycle, int64_t left) const;
  double kept_for_development() const;
  Usage used_in_cycle() const;
  int64_t reserve_of_held_out(int64_t cycle) const;
  // Pairs that a run spreads over its cycles, and those of them that are for the documents held out.
  int64_t pairs_in_all() const;
  int64_t pairs_held_out() const;
  void shortlist(int64_t cycle, int64_t student, std::span<const int64_t> documents, int64_t k, const std::string& result);
  const Shortlister& shortlister(int64_t cycle, int64_t student);
  // The result of a stage (AskedPairs, Shortlists), checked to be of these documents and labels.
  template <typename Result>
  Result load_result(int64_t cycle, const std::string& name) const;
  Encoder load_student(int64_t student) const;
  std::string student_name(int64_t cycle) const;
  std::string provenance() const;
  AskingReport total() const;

  EventCallback staged(const std::string& stage, int64_t cycle) const;
  void notify(int64_t cycle, const std::string& message) const;
  // Tells how long the stage took that has ended.
  void tell_stage(const std::string& stage, int64_t cycle, std::chrono::steady_clock::time_point begin) const;

  const CurriculumInput& input_;
  const TrainerOptions& options_;
  const WorkFolder& folder_;
  const RunManifest manifest_;
  const EventCallback& on_event_;
  const std::stop_token stop_;
  // Until the end.
  std::shared_ptr<JudgmentStore> store_;
  const Accounts accounts_;

  std::optional<TokenFile> documents_, labels_;
  Twins document_twins_, label_twins_;
  DocumentSplit split_;
  // Where the options need it.
  std::optional<ViewStages> stages_;
  std::optional<PooledSelection> pooled_;
  // The verdicts of all cycles so far, with their targets; where there are such stages.
  std::vector<JudgedDocument> judged_;
  // Of the newest encoder, as long as it is of use; by number of the student, -1 for the base encoder.
  std::optional<Shortlister> shortlister_;
  int64_t shortlister_student_ = -1;
  // By cycle.
  std::vector<AskedPairs> training_asked_, development_asked_;
  // What the cycles came to so far.
  TrainingReport so_far_;
};

}  // namespace lmtx
