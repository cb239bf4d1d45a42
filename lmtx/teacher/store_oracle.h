// A whole run again from the judgments it left: the teacher is the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// Answers with the judgments that a store has of one teacher, under that teacher's identity; found by texts, as the store finds them. A pair that the store
// lacks is Verdict::miss(). So the same options on the same data give the same model as the run that filled the store, without its teacher. The store is only
// read, and may be one that cannot be written.
class LMTX_API StoreOracle final : public TeacherOracle {
 public:
  // With an empty `identity` that of the only teacher in the store. Throws std::runtime_error for a file that is no store, and std::invalid_argument, naming
  // those that are there, where the store has nothing of this identity, or where there is none, or more than one, to choose from.
  static std::shared_ptr<StoreOracle> open(const std::filesystem::path& store, const std::string& identity = {});
  ~StoreOracle() override;

  std::string identity() const override;
  void judge(std::span<const Question> questions, AnswerSink& answers) override;
  TeacherTraits traits() const override { return {.questions_per_call = 0, .concurrent_calls = 1}; }

  // Judgments of this teacher.
  int64_t size() const;

 private:
  struct Impl;
  explicit StoreOracle(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace lmtx
