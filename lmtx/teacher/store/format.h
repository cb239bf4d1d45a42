// What a file of judgments is made of: tables, keys, checksums. Internal; docs/formats/judgments.md says what they mean.
#pragma once

#include <cstdint>
#include <string_view>

#include "lmtx/detail/digest.h"
#include "lmtx/export.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx::detail {

// "LMTX", in the header of the file.
constexpr int64_t store_application_id = 0x4c4d5458;
constexpr int64_t newest_store_format = 2;
// Makes all tables, and sets both numbers.
extern const char* const store_schema;

// The keys of a question's labels. What they have in common is hashed once.
class LMTX_API QuestionKeys {
 public:
  QuestionKeys(std::string_view identity, const Question& question);
  Digest operator()(const LabelToJudge& label) const;

 private:
  Hasher document_;
};

// What a judgment says, for its checksum: SQLite has none, and a damaged score would be learned from.
struct JudgmentMeaning {
  std::string_view identity;
  Digest key;
  std::string_view run, document, label;
  // NaN where abstained.
  double score;

  int64_t sum() const;
};

// The same of an answer. Equal sums mean equal answers.
struct AnswerMeaning {
  std::string_view identity, run, document;
  int64_t time;
  // All of it finite.
  Usage usage;
  std::string_view raw;

  int64_t sum() const;
};

// NaN where abstained.
double score_or_nan(const Verdict& verdict);
Verdict verdict_of(double score_or_nan);

}  // namespace lmtx::detail
