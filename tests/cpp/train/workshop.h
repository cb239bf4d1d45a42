// A tiny encoder, and folders for runs of the whole curriculum on the small world of trainer_fixtures.h.
#pragma once

#include <ATen/Parallel.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/encoder.h"
#include "lmtx/train/curriculum_trainer.h"
#include "trainer_fixtures.h"

namespace lmtx::test {

constexpr int64_t num_documents = 60;

inline TrainerOptions small_options() {
  TrainerOptions options;
  options.cycles = 2;
  options.judgments_per_cycle = 5;
  options.development = 6;
  options.document_length = 16;
  options.epochs = 3;
  options.batch_size = 8;
  options.learning_rate = 5e-3;
  options.warmup = 0.2;
  options.checkpoint_every = 3;
  options.use_all_judgments = true;
  options.search_token_budget = 256;
  return options;
}

// A model, and folders for runs.
class Workshop {
 public:
  explicit Workshop(const std::string& name) : folder_(name) {
    // More would only wait for each other.
    at::set_num_threads(1);
    make_tiny_model(folder_ / "model");
  }

  CurriculumTrainer trainer(std::shared_ptr<TeacherOracle> teacher, TrainerOptions options = small_options(), RunOptions run = {},
                            std::vector<Document> documents = topic_documents(num_documents), LabelSet labels = topic_labels()) const {
    if (run.folder.empty()) run.folder = folder_ / "run";
    return {Encoder::load(folder_ / "model"), Corpus::from_documents(std::move(documents)), std::move(labels), std::move(teacher), options, std::move(run)};
  }
  TrainingReport run(std::shared_ptr<TeacherOracle> teacher, const std::string& name, TrainerOptions options = small_options(), Budget budget = {}) const {
    return trainer(std::move(teacher), options, {.folder = folder_ / name, .store = {}, .budget = budget}).run();
  }
  fs::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  Folder folder_;
};

inline std::shared_ptr<ScriptedOracle> truthful(ScriptedOracleOptions options = {}) { return std::make_shared<ScriptedOracle>(topic_truth, options); }

inline std::shared_ptr<ScriptedOracle> always(Verdict verdict) {
  return std::make_shared<ScriptedOracle>([verdict](std::string_view, std::string_view) { return verdict; });
}

}  // namespace lmtx::test
