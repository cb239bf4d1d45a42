#include "lmtx/teacher/scripted_oracle.h"

#include <pybind11/stl.h>

#include "reference.h"
#include "register.h"
#include "text.h"
#include "verdict.h"

namespace lmtx::python {
namespace {

ScriptedOracle::Rule answer_with(py::object rule) {
  return [reference = shared_reference(std::move(rule))](std::string_view document_uid, std::string_view label_uid) {
    py::gil_scoped_acquire acquire;
    const std::string document(document_uid), label(label_uid);
    return to_verdict((*reference)(document, label), document, label);
  };
}

std::shared_ptr<ScriptedOracle> make_oracle(py::object rule, Text identity, int64_t throw_after, int64_t skip_every, const TeacherTraits& traits) {
  ScriptedOracleOptions options{.identity = std::move(identity.utf8), .throw_after = throw_after, .skip_every = skip_every, .traits = traits};
  return std::make_shared<ScriptedOracle>(answer_with(std::move(rule)), std::move(options));
}

}  // namespace

void register_scripted_oracle(py::module_& m) {
  const ScriptedOracleOptions defaults;
  py::class_<ScriptedOracle, TeacherOracle, py::smart_holder>(m, "ScriptedOracle",
      R"(A teacher for tests: answers by a rule, and remembers what it was asked. May be used from several threads.

Example:
    >>> teacher = lmtx.ScriptedOracle(lambda document, label: label == 'l-tax')
    >>> teacher
    ScriptedOracle(identity='scripted/1')
    >>> teacher.asked()
    {})")
      .def(py::init(&make_oracle), py::arg("rule"), py::kw_only(), py::arg("identity") = defaults.identity, py::arg("throw_after") = defaults.throw_after,
           py::arg("skip_every") = defaults.skip_every, py::arg("traits") = defaults.traits,
           R"(A teacher that answers by `rule`.

Args:
    rule: rule(document uid, label uid) returns a Verdict, a score in [0, 1], a bool or None (abstains); ValueError names document and label for others.
    identity: Judgments are kept under it.
    throw_after: Questions after which judge() raises TeacherError; -1: never.
    skip_every: Leave every n-th question unanswered the first time it is asked; 0: none.
    traits: How it likes to be asked.)")
      .def("asked", &ScriptedOracle::asked, py::call_guard<py::gil_scoped_release>(),
           R"(dict[tuple[str, str], int]: how often each (document uid, label uid) was asked, answered or not.

Example:
    >>> teacher = lmtx.ScriptedOracle(lambda document, label: label == 'l-tax')
    >>> options = {'base': 'model', 'out': 'scripted-run', 'progress': False, 'cycles': 1, 'development': 0, 'batch_size': 2}
    >>> tagger = lmtx.train('train.jsonl', 'labels.jsonl', teacher=teacher, **options)
    >>> len(teacher.asked()), set(teacher.asked().values())  # No pair was asked twice.
    (600, {1}))")
      .def("__repr__", [](const ScriptedOracle& oracle) { return py::str("ScriptedOracle(identity={!r})").format(oracle.identity()); });
}

}  // namespace lmtx::python
