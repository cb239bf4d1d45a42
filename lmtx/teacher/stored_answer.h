// What a store of judgments keeps of one answer.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// One verdict of an answer. Scored or abstained.
struct StoredJudgment {
  // BLAKE2b over the teacher's identity and the texts: docs/formats/judgments.md.
  std::array<uint8_t, 16> key = {};
  // Uid.
  std::string label = {};
  Verdict verdict = Verdict::abstain();
  bool operator==(const StoredJudgment&) const = default;
};

// What was put at one go: one document, one teacher, some labels.
struct StoredAnswer {
  std::string identity = {};
  std::string run = {};
  // Uid.
  std::string document = {};
  // Seconds since 1970, UTC.
  int64_t time = 0;
  Usage usage = {};
  // What the teacher said, word for word; empty where it was not kept.
  std::string raw = {};
  // By rising key. None where nothing of it was new, or it failed: it cost something all the same.
  std::vector<StoredJudgment> judgments = {};
};

}  // namespace lmtx
