#include "lmtx/detail/row_writer.h"

#include <algorithm>
#include <utility>

namespace lmtx::detail {

RowWriter::RowWriter(float* rows, int64_t dim, int64_t in_flight) : rows_(rows), dim_(dim), in_flight_(in_flight) {}

RowWriter::~RowWriter() = default;

void RowWriter::put(std::unique_ptr<PendingRows> pending, std::vector<int64_t> rows) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return error_ || static_cast<int64_t>(lots_.size()) < in_flight_; });
  throw_if_failed();
  lots_.push_back({std::move(pending), std::move(rows)});
  if (!thread_.joinable() && (lots_.size() > 1 || in_flight_ == 1)) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  changed_.notify_all();
}

void RowWriter::finish() {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) {
    for (; !lots_.empty(); lots_.pop_front()) write(lots_.front());
    return;
  }
  changed_.wait(lock, [this] { return error_ || lots_.empty(); });
  throw_if_failed();
}

void RowWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !lots_.empty(); }) && !stop.stop_requested()) {
    // Pushing at the end moves no other element of a deque.
    Lot& lot = lots_.front();
    lock.unlock();
    std::exception_ptr error;
    try {
      write(lot);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error) {
      error_ = error;
      changed_.notify_all();
      return;
    }
    lots_.pop_front();
    changed_.notify_all();
  }
}

void RowWriter::write(Lot& lot) {
  const float* from = lot.pending->wait();
  for (const int64_t row : lot.rows) from = (std::copy_n(from, dim_, rows_ + row * dim_), from + dim_);
  written_ += static_cast<int64_t>(lot.rows.size());
}

void RowWriter::throw_if_failed() const {
  if (error_) std::rethrow_exception(error_);
}

}  // namespace lmtx::detail
