// One call of CurriculumTrainer::run() with a method that asks no teacher: MACLR or RTS. Internal; docs/rivals.md tells what they do.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/train/curriculum.h"
#include "lmtx/train/options.h"
#include "lmtx/train/report.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/training_steps.h"
#include "lmtx/train/twins.h"
#include "lmtx/train/unsupervised/cluster_phases.h"
#include "lmtx/train/unsupervised/label_pairs.h"
#include "lmtx/train/unsupervised/title_steps.h"
#include "lmtx/train/work_folder.h"

namespace lmtx {

// Trainings one behind the other, each from the student of the one before, in folders of their own: what it learns from, its checkpoints while it lasts, its
// student, and trained.json. As in the curriculum a result that is there is not made again, so that a run goes on after any interruption and ends with the same
// bytes.
class UnsupervisedRun {
 public:
  // `manifest` is that of the folder, which is locked.
  UnsupervisedRun(const CurriculumInput& input, const RunManifest& manifest, const EventCallback& on_event, std::stop_token stop);

  TrainingReport run();

 private:
  // Of a training (trained.json).
  struct Trained {
    bool has_student = false;
    int64_t steps = 0;
    double first_loss = 0, last_loss = 0;
  };
  // A training: its number is that of those before it.
  struct Part {
    std::function<std::unique_ptr<TrainingSteps>()> make_steps;
    TrainerOptions options;
    // Of the schedule that it is a part of.
    int64_t steps_before = 0, steps_after = 0;
  };

  void prepare();
  void split(const std::vector<bool>& is_empty);
  void run_maclr();
  void run_titles();
  void run_self_training();
  void run_rts();
  void train(const Part& part);
  void train_newly(const Part& part, int64_t number);
  Trained read_trained(int64_t number) const;
  void save_tagger();
  TrainingReport finish();

  // int64, the cluster of each place to learn from.
  std::vector<int64_t> clusters_of(const StagePart& part) const;
  LabelPairs find_likely_labels() const;
  at::Tensor embed(const std::string& stage, const TokenFile& texts, const std::vector<int64_t>& numbers, int64_t length, const Encoder& encoder) const;
  // Share of the documents held out whose content is the nearest to their title.
  double recall(const Encoder& encoder) const;

  // After the trainings so far.
  Encoder student() const;
  int64_t last_with_student() const;
  std::filesystem::path part_folder(int64_t number) const;
  std::string student_name(int64_t number) const { return "part-" + std::to_string(number) + "/student"; }
  std::string provenance() const;
  void note(const std::string& message);
  void note_training(const std::string& what, size_t first_part);
  EventCallback of_stage(const Part& part) const;
  EventCallback staged(const std::string& stage) const;

  const CurriculumInput& input_;
  const TrainerOptions& options_;
  const WorkFolder& folder_;
  const RunManifest manifest_;
  const EventCallback& on_event_;
  const std::stop_token stop_;

  std::optional<TokenFile> documents_, labels_;
  Twins document_twins_, label_twins_;
  std::optional<TitleTexts> titled_;
  // Documents and places in titled_ to learn from, and places held out, by rising number.
  std::vector<int64_t> training_, places_, held_out_;
  std::vector<Trained> trained_;
  TrainingReport report_;
};

}  // namespace lmtx
