#include "lmtx/detail/ahead.h"

#include <atomic>
#include <functional>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "catch.h"

using namespace lmtx;
using detail::Ahead;

namespace {

// 0, 1, 2, …, and what it does after `count` of them.
Ahead<int>::Make numbers(int count, const std::function<void()>& then = {}) {
  return [count, then, next = std::make_shared<int>(0)](const std::stop_token&) -> std::optional<int> {
    if (*next < count) return (*next)++;
    if (then) then();
    return std::nullopt;
  };
}

}  // namespace

TEST_CASE("values that are made ahead come in order, and then none") {
  Ahead<int> ahead(numbers(100));
  for (int i = 0; i < 100; ++i) CHECK(ahead.next({}) == i);
  CHECK(ahead.next({}) == std::nullopt);
  CHECK(ahead.next({}) == std::nullopt);
}

TEST_CASE("what the making of a value throws comes after the values before it") {
  Ahead<int> ahead(numbers(3, [] { throw std::domain_error("no more"); }));
  for (int i = 0; i < 3; ++i) CHECK(ahead.next({}) == i);
  CHECK_THROWS_AS(ahead.next({}), std::domain_error);
}

TEST_CASE("at most one value waits while another is made") {
  std::atomic<int> made{0};
  Ahead<int> ahead([&](const std::stop_token&) { return std::optional(made++); });
  for (int taken = 0; taken < 20; ++taken) {
    CHECK(ahead.next({}) == taken);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(made <= taken + 3);
  }
}

TEST_CASE("a value is made while the one before is in use") {
  std::atomic<int> made{0};
  Ahead<int> ahead([&](const std::stop_token&) { return std::optional(made++); });
  CHECK(ahead.next({}) == 0);
  while (made < 3) std::this_thread::yield();
}

TEST_CASE("a stop request ends the waiting for a value, and the end of all its making") {
  std::stop_source stop;
  std::jthread stopper;
  {
    Ahead<int> ahead([](const std::stop_token& asked) -> std::optional<int> {
      while (!asked.stop_requested()) std::this_thread::yield();
      check_stop(asked);
      return 0;
    });
    stopper = std::jthread([&] { stop.request_stop(); });
    CHECK_THROWS_AS(ahead.next(stop.get_token()), Stopped);
  }
  SUCCEED("the thread has ended");
}

TEST_CASE("values that nobody takes keep nothing from ending") {
  Ahead<int> ahead(numbers(10));
  CHECK(ahead.next({}) == 0);
}
