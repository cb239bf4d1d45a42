// Asks a teacher outside a run: to audit it, to compare it, to probe it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/shared_store.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

struct AskOptions {
  // Without one everything is asked, and nothing kept.
  SharedStore store = {};
  // Under which name verdicts are looked up and kept; empty: the teacher's own.
  std::string identity = {};
  // Called on the thread that called ask(), with questions that are done with.
  std::function<void(int64_t)> on_progress = {};
};

struct AskedVerdicts {
  // [question][label]; unset where the teacher left the pair open.
  std::vector<std::vector<std::optional<Verdict>>> verdicts;
  // What the answers that came from the teacher itself cost.
  Usage usage = {};
  // Pairs that the store did not have.
  int64_t asked = 0;
};

// Puts the questions to the teacher as its traits say: so many a call, so many calls at once. Several may be about one document (they go into different calls,
// and the store is not looked at in between). Throws what the teacher throws, once the calls that run have ended; Stopped after a stop request. What was
// answered by then is in the store.
LMTX_API AskedVerdicts ask(const std::shared_ptr<TeacherOracle>& teacher, std::span<const Question> questions, const AskOptions& options = {},
                           const std::stop_token& stop = {});

}  // namespace lmtx
