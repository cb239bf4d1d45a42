// What the tests of a student's training share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"
#include "lmtx/train/student_training.h"
#include "lmtx/train/training_texts.h"
#include "one_thread.h"
#include "temporary_folder.h"

namespace lmtx::test {

namespace fs = std::filesystem;

inline constexpr int64_t num_documents = 60, num_labels = 20;

// Document i is about label i mod 20: it has that label's word and a few drawn at random.
inline std::string document_of(int64_t i) {
  detail::KeyedRandom random(detail::random_key(1, "words", {i}));
  std::string text = "w" + std::to_string(i % num_labels);
  for (int64_t j = random.below(10); j > 0; --j) text += " w" + std::to_string(20 + random.below(20));
  return text;
}

// A tiny training: 60 documents of which 50 have a yes, 20 labels, the tiny BERT of the models' tests.
class Task {
 public:
  explicit Task(at::Device device = at::kCPU, const std::string& model = "bert") : start(SentenceModel::load(data_folder() / "models" / model, device)) {
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (int i = 0; i < 40; ++i) vocabulary += "w" + std::to_string(i) + "\n";
    files_.write("vocab.txt", vocabulary);
    const Tokenizer tokenizer = Tokenizer::load(files_.path());
    std::vector<Document> documents;
    for (int64_t i = 0; i < num_documents; ++i) documents.push_back({std::to_string(i), "", document_of(i)});
    std::vector<Label> labels;
    for (int64_t i = 0; i < num_labels; ++i) labels.push_back({std::to_string(i), "w" + std::to_string(i), "", {}, {}});
    TokenFile::write(files_ / "documents", Corpus::from_documents(documents), tokenizer, 16);
    TokenFile::write(files_ / "labels", LabelSet(labels), tokenizer, 16);
    for (int64_t i = 0; i < num_documents; ++i) judged.push_back({i, {{i % num_labels, i % 6 == 0 ? 0.0 : 1.0}}});
    options.epochs = 4;
    options.batch_size = 8;
    options.learning_rate = 1e-3;
    options.warmup = 0.2;
    options.checkpoint_every = 3;
  }

  StudentTrainingResult train(const fs::path& checkpoints = {}, const EventCallback& on_event = {}, const std::stop_token& stop = {}) const {
    const TokenFile documents = TokenFile::open(files_ / "documents"), labels = TokenFile::open(files_ / "labels");
    return train_student({.start = *start,
                          .documents = documents,
                          .labels = labels,
                          .document_length = 12,
                          .label_length = 4,
                          .judged = judged,
                          .options = options,
                          .checkpoint_folder = checkpoints},
                         on_event, stop);
  }

  TrainingTexts texts() const {
    return {.documents = TokenFile::open(files_ / "documents"), .labels = TokenFile::open(files_ / "labels"), .document_length = 12, .label_length = 4};
  }

  // Trains until it is done, whatever stops come; returns the student and how often it was stopped.
  template <typename Stopper>
  std::pair<StudentTrainingResult, int> train_with_stops(const fs::path& checkpoints, Stopper stopper) const {
    for (int stops = 0;; ++stops) {
      std::stop_source source;
      try {
        return {stopper(source, checkpoints), stops};
      } catch (const Stopped&) {
      }
    }
  }

  std::shared_ptr<SentenceModel> start;
  std::vector<JudgedDocument> judged;
  TrainerOptions options;

 private:
  TemporaryFolder files_;
  OneThread one_thread_;
};

inline bool same_weights(const SentenceModel& a, const SentenceModel& b) {
  const NamedTensors left = a.parameters(), right = b.parameters();
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].first != right[i].first || !left[i].second.equal(right[i].second)) return false;
  }
  return left.size() == right.size();
}

}  // namespace lmtx::test
