#include "lmtx/event.h"

#include "register.h"

namespace lmtx::python {
namespace {

const char* kind_name(const Event& event) {
  switch (event.kind) {
    case Event::Kind::progress: return "progress";
    case Event::Kind::notice: return "notice";
    case Event::Kind::cycle: return "cycle";
  }
  return "";
}

std::string to_string(const Event& event) {
  const std::string stage = (event.cycle < 0 ? "" : "cycle " + std::to_string(event.cycle) + ", ") + event.stage;
  if (event.kind != Event::Kind::progress) return "Event(" + std::string(kind_name(event)) + ", " + stage + ": " + event.message + ")";
  return "Event(progress, " + stage + ": " + std::to_string(event.done) + " of " + std::to_string(event.total) + ")";
}

}  // namespace

void register_event(py::module_& m) {
  py::class_<Event>(m, "Event", "What long work has to say: progress, a notice, or the end of a cycle.")
      .def_property_readonly("kind", &kind_name, "'progress', 'notice' or 'cycle'.")
      .def_readonly("stage", &Event::stage, "What is being done, in a word or two.")
      .def_readonly("cycle", &Event::cycle, "The cycle it belongs to, from 0; -1 outside of any.")
      .def_readonly("done", &Event::done, "Units finished.")
      .def_readonly("total", &Event::total, "Units in all; 0 where that is not known.")
      .def_readonly("message", &Event::message, "A sentence, of a notice or a cycle.")
      .def("__repr__", &to_string);
}

}  // namespace lmtx::python
