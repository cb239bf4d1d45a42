#include "lmtx/detail/row_writer.h"

#include <algorithm>
#include <utility>

namespace lmtx::detail {
namespace {

// Rows are written to memory that is touched for the first time, which takes the system longer than the copying. Fewer than may be under way, so that the
// device has something to do while all write.
constexpr int64_t most_threads = 3;

}  // namespace

RowWriter::RowWriter(float* rows, int64_t dim, int64_t in_flight) : rows_(rows), dim_(dim), in_flight_(in_flight) {}

RowWriter::~RowWriter() = default;

void RowWriter::put(std::unique_ptr<PendingRows> pending, std::vector<int64_t> rows) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return error_ || under_way_ < in_flight_; });
  throw_if_failed();
  waiting_.push_back({std::move(pending), std::move(rows)});
  ++under_way_;
  const bool wanted = under_way_ > 1 || in_flight_ == 1;
  if (wanted && static_cast<int64_t>(threads_.size()) < std::clamp<int64_t>(in_flight_ / 2, 1, most_threads)) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
  changed_.notify_all();
}

void RowWriter::finish() {
  if (threads_.empty()) {
    while (!waiting_.empty()) {
      write(std::move(waiting_.front()));
      waiting_.pop_front();
      --under_way_;
    }
    return;
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return error_ || under_way_ == 0; });
  throw_if_failed();
}

void RowWriter::run(const std::stop_token& stop) {
  try {
    while (std::optional<Lot> lot = take(stop)) {
      write(*std::exchange(lot, std::nullopt));
      const std::lock_guard lock(mutex_);
      --under_way_;
      changed_.notify_all();
    }
  } catch (...) {
    fail(std::current_exception());
  }
}

std::optional<RowWriter::Lot> RowWriter::take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [this] { return error_ || !waiting_.empty(); });
  if (error_ || stop.stop_requested()) return std::nullopt;
  Lot lot = std::move(waiting_.front());
  waiting_.pop_front();
  return lot;
}

void RowWriter::write(Lot lot) {
  const float* from = lot.pending->wait();
  for (const int64_t row : lot.rows) {
    std::copy_n(from, dim_, rows_ + row * dim_);
    from += dim_;
  }
  written_ += static_cast<int64_t>(lot.rows.size());
}

void RowWriter::fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
  changed_.notify_all();
}

void RowWriter::throw_if_failed() const {
  if (error_) std::rethrow_exception(error_);
}

}  // namespace lmtx::detail
