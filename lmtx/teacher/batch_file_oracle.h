// A teacher that answers later: requests go into files, answers come from files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "lmtx/export.h"
#include "lmtx/teacher/chat_protocol.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

struct BatchFileOptions {
  // Made, with its folders requests/ and answers/, at the first question. Format: docs/formats/batch.md.
  std::filesystem::path folder = {};
  // What a file of requests holds at most; hosted models take no more.
  int64_t requests_per_file = 50'000;
  int64_t bytes_per_file = 200'000'000;
  // Keep what the model said beside its verdicts.
  bool keep_raw = false;
  // Per million tokens, for Usage::cost; providers mostly take half of what they take otherwise.
  double prompt_price = 0;
  double completion_price = 0;
};

// Writes what it is asked as requests of OpenAI's batch interface into requests/, and answers from whatever lies in answers/: in any order, in parts, in
// several files. A request has the same name (custom_id) in every run: a digest over the identity and the texts. It is written once; once more when all copies
// of it were answered with errors, or with what is no answer; again when its file of requests was removed. What has no answer yet stays open: the run ends with
// PairsOpen, and the same command goes on. Answers are read one by one and may be larger than memory. Verdicts are those that HttpOracle would give, and are
// kept under the same identity.
class LMTX_API BatchFileOracle final : public TeacherOracle {
 public:
  // Throws std::invalid_argument for options that make no sense, and a folder that cannot be written.
  static std::shared_ptr<BatchFileOracle> make(BatchFileOptions options, ChatProtocol protocol);
  ~BatchFileOracle() override;

  std::string identity() const override;
  // One call at a time. Throws std::runtime_error naming file and line of what is no line of answers, and where another process is writing requests into the
  // folder.
  void judge(std::span<const Question> questions, AnswerSink& answers) override;
  TeacherTraits traits() const override { return {.questions_per_call = 0, .concurrent_calls = 1}; }
  Usage estimate(const Question& question) const override;
  std::string pending_advice() const override;

  const BatchFileOptions& options() const;
  const ChatProtocol& protocol() const;

 private:
  struct Impl;
  explicit BatchFileOracle(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lmtx
