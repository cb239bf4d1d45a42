// The folder in which questions wait for a provider that answers batches: what is asked in it, answered and open.
#pragma once

#include <cstdint>
#include <filesystem>

#include "lmtx/export.h"

namespace lmtx {

// Of distinct requests, unless it says otherwise. requests = answered + failed + open.
struct BatchStatus {
  int64_t requests = 0;
  // Have an answer of which a verdict can be made. Whether it says one is seen when a run reads it.
  int64_t answered = 0;
  // Were answered with errors alone: the next run that needs them writes them again.
  int64_t failed = 0;
  // Wait for an answer.
  int64_t open = 0;
  // Answers (lines) with a custom_id that no request here has.
  int64_t unknown = 0;
  int64_t request_files = 0;
  int64_t answer_files = 0;
};

// What the files in `folder` say; docs/formats/batch.md. Throws std::runtime_error naming the folder that is missing, or file and line of what is no request or
// answer.
LMTX_API BatchStatus batch_status(const std::filesystem::path& folder);

// What a file of answers held, in lines.
struct BatchImport {
  // Where it is now.
  std::filesystem::path file;
  // The same file was there already: nothing was done.
  bool known = false;
  int64_t lines = 0;
  // Lines that answer a request that had no answer yet.
  int64_t answers = 0;
  // Lines that answer one that had.
  int64_t repeated = 0;
  // Lines that are an error in the place of an answer.
  int64_t failed = 0;
  // Lines with a custom_id that no request here has; nothing is made of them.
  int64_t unknown = 0;
};

// Checks a provider's file, plain or gzip, and puts a copy of it, plain, into answers/, whole or not at all. Throws std::runtime_error naming file and line of
// what is no answer, and a file that answers nothing that was asked here.
LMTX_API BatchImport import_batch_answers(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace lmtx
