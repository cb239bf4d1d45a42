#include "lmtx/event.h"

#include <cstdio>

#include "register.h"

namespace lmtx::python {
namespace {

const char* kind_name(const Event& event) {
  switch (event.kind) {
    case Event::Kind::progress: return "progress";
    case Event::Kind::notice: return "notice";
    case Event::Kind::cycle: return "cycle";
    case Event::Kind::stage: return "stage";
  }
  return "";
}

std::string to_string(const Event& event) {
  const std::string stage = (event.cycle < 0 ? "" : "cycle " + std::to_string(event.cycle) + ", ") + event.stage;
  if (event.kind == Event::Kind::stage) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.3f", event.seconds);
    return "Event(stage, " + stage + ": " + seconds + " seconds)";
  }
  if (event.kind != Event::Kind::progress) return "Event(" + std::string(kind_name(event)) + ", " + stage + ": " + event.message + ")";
  return "Event(progress, " + stage + ": " + std::to_string(event.done) + " of " + std::to_string(event.total) + ")";
}

}  // namespace

void register_event(py::module_& m) {
  py::class_<Event>(m, "Event", R"(What long work has to say: progress, a notice, or the end of a cycle or of a stage. Immutable.

Functions with `on_event` call it on the thread that called them; an exception in it ends the work and comes out of the call.

Example:
    >>> encoder = lmtx.Encoder.load('model')
    >>> _ = encoder.encode(['tax', 'trade'], on_event=print)
    Event(progress, embed: 0 of 2)
    Event(progress, embed: 2 of 2))")
      .def_property_readonly("kind", &kind_name, "str: 'progress', 'notice', 'cycle', or 'stage' where a stage of a training run has ended.")
      .def_readonly("stage", &Event::stage, "str: what is being done, in a word or two.")
      .def_readonly("cycle", &Event::cycle, "int: the cycle it belongs to, from 0; -1 outside of any.")
      .def_readonly("done", &Event::done, "int: units finished.")
      .def_readonly("total", &Event::total, "int: units in all; 0 where that is not known.")
      .def_readonly("message", &Event::message, "str: a sentence, of a notice or a cycle; else empty.")
      .def_readonly("seconds", &Event::seconds, "float: how long the stage took, of the kind 'stage'; else 0.")
      .def("__repr__", &to_string);
}

}  // namespace lmtx::python
