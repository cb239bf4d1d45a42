#include "verdict.h"

#include <pybind11/stl.h>

#include <cmath>

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

const char* kind_name(const Verdict& verdict) {
  switch (verdict.kind()) {
    case Verdict::Kind::scored: return "scored";
    case Verdict::Kind::abstained: return "abstained";
    case Verdict::Kind::failed: return "failed";
    case Verdict::Kind::missing: return "missing";
  }
  return "";
}

std::optional<double> value(const Verdict& verdict) {
  if (!verdict.scored()) return std::nullopt;
  return verdict.score();
}

py::object to_repr(const Verdict& verdict) {
  if (verdict.scored()) return py::str("Verdict.score({!r})").format(verdict.score());
  if (verdict.kind() == Verdict::Kind::failed) return py::str("Verdict.fail({!r})").format(verdict.reason());
  return py::str(verdict.kind() == Verdict::Kind::abstained ? "Verdict.abstain()" : "Verdict.miss()");
}

[[noreturn]] void refuse(py::handle answer, const std::string& document_uid, const std::string& label_name) {
  throw py::value_error(py::str("the teacher's answer for document {!r} and label {!r} must be a score in [0, 1], a boolean or None, but is {!r} instead.")
                            .format(document_uid, label_name, answer)
                            .cast<std::string>());
}

}  // namespace

Verdict to_verdict(py::handle answer, const std::string& document_uid, const std::string& label_name) {
  if (answer.is_none()) return Verdict::abstain();
  if (py::isinstance<Verdict>(answer)) return answer.cast<Verdict>();
  // Strings that read as numbers are a mistake in the teacher, not a score.
  if (PyUnicode_Check(answer.ptr()) || PyBytes_Check(answer.ptr())) refuse(answer, document_uid, label_name);
  const double score = PyFloat_AsDouble(answer.ptr());  // Takes bool, int, float and NumPy's numbers.
  if (PyErr_Occurred()) {
    PyErr_Clear();
    // numpy.bool is the one truth value that is no number.
    if (std::string(Py_TYPE(answer.ptr())->tp_name).find("numpy.bool") == std::string::npos) refuse(answer, document_uid, label_name);
    return answer.cast<bool>() ? Verdict::yes() : Verdict::no();
  }
  if (!(score >= 0 && score <= 1)) refuse(answer, document_uid, label_name);
  return Verdict::score(score);
}

std::vector<Verdict> to_verdicts(py::handle answers, const OwnedQuestion& question) {
  const auto refuse_list = [&](const py::object& came) {
    throw py::value_error(py::str("the teacher's answers for document {!r} must be one a label, {}, but {} instead.")
                              .format(question.document.uid, question.labels.size(), came)
                              .cast<std::string>());
  };
  if (PyUnicode_Check(answers.ptr()) || !PyObject_HasAttrString(answers.ptr(), "__len__") || !PyObject_HasAttrString(answers.ptr(), "__iter__")) {
    refuse_list(py::str("came as {!r}").format(answers));
  }
  if (py::len(answers) != question.labels.size()) {
    std::string names;
    for (const Label& label : question.labels) names += (names.empty() ? "" : ", ") + label.name;
    refuse_list(py::str("there are {} (labels: {})").format(py::len(answers), names));
  }
  std::vector<Verdict> verdicts;
  for (const py::handle answer : answers) verdicts.push_back(to_verdict(answer, question.document.uid, question.labels[verdicts.size()].name));
  return verdicts;
}

void register_verdict(py::module_& m) {
  py::class_<Verdict>(m, "Verdict", R"(A teacher's answer for one label of one document. Immutable; equal ones compare equal.

Example:
    >>> [lmtx.Verdict.score(0.25), lmtx.Verdict.yes(), lmtx.Verdict.abstain(), lmtx.Verdict.fail('timeout')]
    [Verdict.score(0.25), Verdict.score(1.0), Verdict.abstain(), Verdict.fail('timeout')]
    >>> lmtx.Verdict.yes().value, lmtx.Verdict.abstain().value
    (1.0, None))")
      .def_static("score", py::overload_cast<double>(&Verdict::score), py::arg("score"),
           R"(The probability of "relevant", in [0, 1]; ValueError for another number.

Example:
    >>> lmtx.Verdict.score(0.25).value
    0.25)")
      .def_static("yes", &Verdict::yes, R"(A score of 1.

Example:
    >>> lmtx.Verdict.yes() == lmtx.Verdict.score(1)
    True)")
      .def_static("no", &Verdict::no, R"(A score of 0.

Example:
    >>> lmtx.Verdict.no().value
    0.0)")
      .def_static("abstain", &Verdict::abstain, R"(The teacher will not say; stored, so that it is not asked again.

Example:
    >>> lmtx.Verdict.abstain().kind
    'abstained')")
      .def_static("fail", [](Text reason) { return Verdict::fail(std::move(reason.utf8)); }, py::arg("reason"),
                  R"(The outside world failed; not stored, asked again.

Example:
    >>> lmtx.Verdict.fail('timeout').reason
    'timeout')")
      .def_static("miss", &Verdict::miss, R"(This teacher never will have an answer; counts as abstained for the run, not stored.

Example:
    >>> lmtx.Verdict.miss().kind
    'missing')")
      .def_property_readonly("kind", &kind_name, "str: 'scored', 'abstained', 'failed' or 'missing'.")
      .def_property_readonly("value", &value, "float: the score, in [0, 1]; None where there is none.")
      .def_property_readonly("reason", &Verdict::reason, "str: why it failed; else empty.")
      .def("__eq__", [](const Verdict& self, const Verdict& other) { return self == other; }, py::is_operator())
      .def("__hash__", [](const Verdict& self) { return py::hash(py::make_tuple(kind_name(self), self.score(), self.reason())); })
      .def("__repr__", &to_repr);
  py::class_<Usage>(m, "Usage", R"(What one answer cost; 0 where unknown. Immutable.

Example:
    >>> lmtx.Usage(prompt_tokens=900, completion_tokens=12)
    Usage(prompt_tokens=900, cached_tokens=0, completion_tokens=12, cost=0, seconds=0))")
      .def(py::init([](int64_t prompt_tokens, int64_t cached_tokens, int64_t completion_tokens, double cost, double seconds) {
             return Usage{prompt_tokens, cached_tokens, completion_tokens, cost, seconds};
           }),
           py::kw_only(), py::arg("prompt_tokens") = Usage{}.prompt_tokens, py::arg("cached_tokens") = Usage{}.cached_tokens,
           py::arg("completion_tokens") = Usage{}.completion_tokens, py::arg("cost") = Usage{}.cost, py::arg("seconds") = Usage{}.seconds,
           "What answers.put() keeps beside the verdicts; all 0 unless given.")
      .def_readonly("prompt_tokens", &Usage::prompt_tokens, "int: tokens sent.")
      .def_readonly("cached_tokens", &Usage::cached_tokens, "int: of these, tokens that the server had in its cache.")
      .def_readonly("completion_tokens", &Usage::completion_tokens, "int: tokens that came back.")
      .def_readonly("cost", &Usage::cost, "float, in the currency of the teacher's price list.")
      .def_readonly("seconds", &Usage::seconds, "float: time it took.")
      .def("__repr__", [](const Usage& usage) {
        return py::str("Usage(prompt_tokens={}, cached_tokens={}, completion_tokens={}, cost={:g}, seconds={:g})")
            .format(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.cost, usage.seconds);
      });
}

}  // namespace lmtx::python
