// Makes the next of a row of values while the one before is in use. Internal: no public header includes it.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "lmtx/stopped.h"

namespace lmtx::detail {

// One value waits at most, and one is being made. Belongs to one thread.
template <typename T>
class Ahead {
 public:
  // Gives the next value, or none at the end; called on a thread of its own. The token asks it to end soon, by lmtx::Stopped, since nobody will take the value.
  using Make = std::function<std::optional<T>(const std::stop_token&)>;

  explicit Ahead(Make make) : make_(std::move(make)), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  // Waits for the thread, which was asked to end.
  ~Ahead() = default;
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  // The next value, when it is there; none at the end. Throws what the making of it threw, and lmtx::Stopped on request.
  std::optional<T> next(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return waiting_ || ended_; });
    check_stop(stop);
    if (waiting_) {
      std::optional<T> value = std::exchange(waiting_, std::nullopt);
      changed_.notify_all();
      return value;
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return std::nullopt;
  }

 private:
  void run(const std::stop_token& stop) {
    try {
      while (std::optional<T> value = make_(stop)) {
        if (!put(std::move(value), stop)) return;
      }
      end(nullptr);
    } catch (...) {
      end(std::current_exception());
    }
  }

  // False where nobody will take it.
  bool put(std::optional<T> value, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return !waiting_; })) return false;
    waiting_ = std::move(value);
    changed_.notify_all();
    return true;
  }

  void end(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    ended_ = true;
    changed_.notify_all();
  }

  const Make make_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<T> waiting_;
  std::exception_ptr error_;
  bool ended_ = false;
  // Last, so that it ends before what it uses.
  std::jthread thread_;
};

}  // namespace lmtx::detail
