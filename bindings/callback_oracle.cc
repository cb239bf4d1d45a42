#include "lmtx/teacher/callback_oracle.h"

#include <pybind11/stl.h>

#include "question.h"
#include "reference.h"
#include "register.h"
#include "text.h"
#include "verdict.h"

namespace lmtx::python {
namespace {

CallbackOracle::Function ask_with(py::object function) {
  return [reference = shared_reference(std::move(function))](const Question& question) {
    py::gil_scoped_acquire acquire;
    const OwnedQuestion owned = own(question);
    py::list names;
    for (const Label& label : owned.labels) names.append(label.name);
    return to_verdicts((*reference)(document_text(owned.document), names), owned);
  };
}

std::shared_ptr<CallbackOracle> make_oracle(py::object function, Text identity, const TeacherTraits& traits) {
  if (!PyCallable_Check(function.ptr())) throw py::type_error("`function` must be callable as function(document, labels)");
  return std::make_shared<CallbackOracle>(std::move(identity.utf8), ask_with(std::move(function)), traits);
}

}  // namespace

void register_callback_oracle(py::module_& m) {
  py::class_<CallbackOracle, TeacherOracle, py::smart_holder>(
      m, "CallbackOracle", "A teacher made of a function: function(document: str, labels: list[str]) returns one score, boolean or None (abstains) a label.")
      .def(py::init(&make_oracle), py::arg("function"), py::kw_only(), py::arg("identity"), py::arg("traits") = TeacherTraits{})
      .def("__repr__", [](const CallbackOracle& oracle) { return py::str("CallbackOracle(identity={!r})").format(oracle.identity()); });
}

}  // namespace lmtx::python
