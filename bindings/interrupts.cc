#include "interrupts.h"

#include <unistd.h>

#include <csignal>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace lmtx::python {
namespace {

std::atomic<int> interrupt_count{0};
static_assert(std::atomic<int>::is_always_lock_free);  // Used in a signal handler.

struct sigaction previous_action;
// Calls on the main thread that are under way, one inside the other (a teacher may tag); only that thread reads and writes it.
int depth = 0;

extern "C" void count_interrupt(int signal) {
  interrupt_count.fetch_add(1, std::memory_order_relaxed);
  previous_action.sa_handler(signal);
}

bool interrupt_means_keyboard_interrupt() {
  const auto threading = py::module_::import("threading");
  if (!threading.attr("current_thread")().is(threading.attr("main_thread")())) return false;
  const auto signal = py::module_::import("signal");
  return signal.attr("getsignal")(signal.attr("SIGINT")).is(signal.attr("default_int_handler"));
}

// False where the handler is not one that can be passed on to.
bool install() {
  if (depth > 0) return ++depth;
  struct sigaction action {};
  if (sigaction(SIGINT, nullptr, &previous_action) != 0) return false;
  if ((previous_action.sa_flags & SA_SIGINFO) || previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) return false;
  action = previous_action;
  action.sa_handler = &count_interrupt;
  if (sigaction(SIGINT, &action, nullptr) != 0) return false;
  return ++depth;
}

void uninstall() {
  if (--depth > 0) return;
  struct sigaction current {};
  // Someone who put a handler of their own in place meanwhile keeps it.
  if (sigaction(SIGINT, nullptr, &current) == 0 && current.sa_handler == &count_interrupt) sigaction(SIGINT, &previous_action, nullptr);
}

void watch(const std::stop_token& done, int count_before, std::stop_source stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!done.stop_requested()) {
    if (interrupt_count.load(std::memory_order_relaxed) != count_before) {
      stop.request_stop();
      return;
    }
    wake.wait_for(lock, done, std::chrono::milliseconds(50), [] { return false; });
  }
}

}  // namespace

Interrupts::Interrupts() : process_(::getpid()) {
  count_before_ = interrupt_count.load();
  watching_ = interrupt_means_keyboard_interrupt() && install();
  if (watching_) watcher_ = std::jthread(watch, count_before_, stop_);
}

Interrupts::~Interrupts() {
  if (watching_) uninstall();
  if (watching_ && ::getpid() != process_) watcher_.detach();
}

bool Interrupts::interrupted() const { return watching_ && interrupt_count.load() != count_before_; }

void Interrupts::raise_if_interrupted() const {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  // A teacher may have caught the KeyboardInterrupt; the stop was asked for all the same.
  if (!interrupted()) return;
  PyErr_SetNone(PyExc_KeyboardInterrupt);
  throw py::error_already_set();
}

EventCallback event_callback(const py::object& on_event) {
  return [callable = py::handle(on_event)](const Event& event) {
    py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!callable.is_none()) callable(event);
  };
}

}  // namespace lmtx::python
