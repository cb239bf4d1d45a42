// How long a run has asked so far, all its sessions together. Internal; format: docs/formats/run.md.
#pragma once

#include <chrono>
#include <filesystem>

#include "lmtx/export.h"

namespace lmtx {

// Counts while it lives, and keeps the sum in a file: at its end, and in between so that a kill loses seconds only.
class LMTX_API AskingTime {
 public:
  // Goes on from what the file says, if it is there. Throws std::runtime_error naming the file where it is damaged.
  explicit AskingTime(std::filesystem::path file);
  ~AskingTime();
  AskingTime(const AskingTime&) = delete;
  AskingTime& operator=(const AskingTime&) = delete;

  double seconds() const;
  // Writes the sum down if that was some seconds ago.
  void note();

 private:
  using Clock = std::chrono::steady_clock;
  void write();

  const std::filesystem::path file_;
  const double before_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point written_ = begin_;
};

}  // namespace lmtx
