// A teacher for tests: answers by rule, remembers what it was asked, and fails on demand.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

struct ScriptedOracleOptions {
  std::string identity = "scripted/1";
  // Questions after which judge() throws TeacherError, then and at each later call; -1 for never.
  int64_t throw_after = -1;
  // Leave every n-th question unanswered, if none of its pairs was asked before; 0 for none.
  int64_t skip_every = 0;
  TeacherTraits traits = {};
};

class LMTX_API ScriptedOracle final : public TeacherOracle {
 public:
  using Rule = std::function<Verdict(std::string_view document_uid, std::string_view label_uid)>;
  explicit ScriptedOracle(Rule rule, ScriptedOracleOptions options = {});

  std::string identity() const override;
  void judge(std::span<const Question> questions, AnswerSink& answers) override;
  TeacherTraits traits() const override;

  // How often each (document uid, label uid) was asked, left unanswered or not.
  std::map<std::pair<std::string, std::string>, int64_t> asked() const;

 private:
  // Counts the question; false where it is to be left unanswered.
  bool remember(const Question& question);

  Rule rule_;
  ScriptedOracleOptions options_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, int64_t> asked_;
  int64_t num_questions_ = 0;
};

}  // namespace lmtx
