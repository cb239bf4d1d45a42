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
      m, "CallbackOracle", R"(A teacher made of a function.

Example:
    >>> def ask(document: str, labels: list[str]) -> list[float | bool | None]:
    ...     return [label in document for label in labels]
    >>> lmtx.CallbackOracle(ask, identity='substring/1')
    CallbackOracle(identity='substring/1'))")
      .def(py::init(&make_oracle), py::arg("function"), py::kw_only(), py::arg("identity"), py::arg("traits") = TeacherTraits{},
           R"(A teacher that calls `function`, once a question.

Args:
    function: function(document: str, labels: list[str]) returns for each label a score in [0, 1], a bool, a Verdict, or None (abstains). Any other answer, or
        another number of them, ends the run with a ValueError that names document and label; an exception ends it as it is.
    identity: Names everything that can change a verdict; judgments are kept under it.
    traits: How the function likes to be asked.

Raises:
    TypeError: For a function that cannot be called.
    ValueError: For an empty identity.)")
      .def("__repr__", [](const CallbackOracle& oracle) { return py::str("CallbackOracle(identity={!r})").format(oracle.identity()); });
}

}  // namespace lmtx::python
