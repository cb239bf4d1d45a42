// Verdicts that were recorded before, given again under the recording's own identity.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// Reads JSON lines, `.gz` or plain: first {"format": 1, "identity", "model"?, "prompt"?}, then {"uid": document, "labels": [label uid, …],
// "scores": [score or null, …]}, a document possibly on several lines. Looks pairs up by uid; a null abstains; a pair that was not recorded is Verdict::miss().
// Format: docs/formats/recorded-verdicts.md.
class LMTX_API RecordedOracle final : public TeacherOracle {
 public:
  // Throws std::runtime_error naming file and line: no header, newer format, broken JSON, lists of unequal lengths, a score outside [0, 1], a pair recorded
  // twice with different scores.
  static std::shared_ptr<RecordedOracle> open(const std::filesystem::path& file);
  ~RecordedOracle() override;

  std::string identity() const override;
  void judge(std::span<const Question> questions, AnswerSink& answers) override;
  TeacherTraits traits() const override;

  // Recorded pairs.
  int64_t size() const;
  // Every document uid that was recorded, in the order of the file.
  std::vector<std::string> documents() const;

 private:
  struct Impl;
  explicit RecordedOracle(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace lmtx
