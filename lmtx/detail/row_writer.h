// Takes vectors from a device and puts them where they belong, while the device goes on. Internal: no public header includes it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "lmtx/export.h"

namespace lmtx::detail {

// Vectors that a device computes.
class PendingRows {
 public:
  // Where nobody waited for them, it does, so that nothing that they need is still in use.
  virtual ~PendingRows() = default;
  // Waits for them: float32 [n, dim], valid as long as this object. Throws what the device reports.
  virtual const float* wait() = 0;
};

// Belongs to one thread.
class LMTX_API RowWriter {
 public:
  // Into `rows`, float32 [any, dim], which must outlive it. At most `in_flight` lots are under way, from being put to being written.
  RowWriter(float* rows, int64_t dim, int64_t in_flight);
  // Lets go of what is under way.
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  // Row i of `pending` becomes row `rows[i]`, some time. Waits while too many are under way. Throws what went wrong with one before.
  void put(std::unique_ptr<PendingRows> pending, std::vector<int64_t> rows);
  // Waits until all that was put is written. Throws what went wrong.
  void finish();
  // Rows written so far.
  int64_t written() const { return written_; }

 private:
  struct Lot {
    std::unique_ptr<PendingRows> pending;
    std::vector<int64_t> rows;
  };

  void run(const std::stop_token& stop);
  // Waits for the next lot; none at the end.
  std::optional<Lot> take(const std::stop_token& stop);
  void write(Lot lot);
  void fail(std::exception_ptr error);
  void throw_if_failed() const;

  float* const rows_;
  const int64_t dim_, in_flight_;
  std::atomic<int64_t> written_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Lot> waiting_;
  // Lots put and not yet written.
  int64_t under_way_ = 0;
  std::exception_ptr error_;
  // Begin with the second lot: a single one needs none. Last, so that they end before what they use.
  std::vector<std::jthread> threads_;
};

}  // namespace lmtx::detail
