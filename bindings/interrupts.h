// Ctrl-C during long calls.
#pragma once

#include <pybind11/pybind11.h>

#include <sys/types.h>

#include <stop_token>
#include <thread>
#include <utility>

#include "lmtx/event.h"
#include "lmtx/stopped.h"

namespace lmtx::python {

namespace py = pybind11;

// Turns Ctrl-C into a stop request while it lives. Python's own handler only notes the signal until the main thread runs Python code again, which during a long
// call may be minutes; so the signal is counted on its way there, and a thread that watches the count requests the stop. It watches only on the main thread and
// while SIGINT means KeyboardInterrupt: where a program has its own handler, that decides at the next event. Made and destroyed with the GIL held.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  std::stop_token stop() const { return stop_.get_token(); }
  // Raises KeyboardInterrupt if Ctrl-C asked for the stop. Needs the GIL.
  void raise_if_interrupted() const;

 private:
  bool interrupted() const;

  // A child that is forked meanwhile has no watcher to wait for.
  const pid_t process_;
  bool watching_ = false;
  int count_before_ = 0;
  std::stop_source stop_;
  std::jthread watcher_;
};

// Hands events to a Python callable (None: nobody) and lets pending signal handlers run. Owns no Python reference: `on_event` must outlive it.
EventCallback event_callback(const py::object& on_event);

// Calls work(event callback, stop token) without the GIL. Ctrl-C ends it with KeyboardInterrupt.
template <class Work>
auto run_long(const py::object& on_event, Work&& work) {
  const Interrupts interrupts;
  try {
    py::gil_scoped_release release;
    return work(event_callback(on_event), interrupts.stop());
  } catch (const Stopped&) {
    interrupts.raise_if_interrupted();
    throw;
  }
}

// The same for a call that takes a fraction of a second: no thread watches for Ctrl-C, which Python sees when the call is over. Starting one takes longer than
// many such calls.
template <class Work>
auto run_brief(const py::object& on_event, Work&& work) {
  py::gil_scoped_release release;
  return work(event_callback(on_event), std::stop_token());
}

}  // namespace lmtx::python
