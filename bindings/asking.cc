// Teachers that make something of others' verdicts, and asking outside a run.
#include <pybind11/stl.h>

#include <optional>

#include "interrupts.h"
#include "lmtx/teacher/ask.h"
#include "lmtx/teacher/calibrated_oracle.h"
#include "lmtx/teacher/combined_oracle.h"
#include "question.h"
#include "register.h"
#include "store_argument.h"
#include "text.h"

namespace lmtx::python {
namespace {

using Teacher = std::shared_ptr<TeacherOracle>;

std::shared_ptr<CalibratedOracle> calibrated(Teacher teacher, const Calibration& calibration, const py::object& store) {
  SharedStore kept = to_store(store);
  py::gil_scoped_release release;
  return std::make_shared<CalibratedOracle>(std::move(teacher), calibration, std::move(kept));
}

std::shared_ptr<CombinedOracle> combined(const std::vector<Teacher>& teachers, const Combination& combination, const py::object& store) {
  SharedStore kept = to_store(store);
  py::gil_scoped_release release;
  return std::make_shared<CombinedOracle>(teachers, combination, std::move(kept));
}

AskedVerdicts ask_teacher(const Teacher& teacher, const std::vector<OwnedQuestion>& owned, const py::object& store, const std::optional<Text>& identity,
                          const py::object& on_event) {
  AskOptions options{.store = to_store(store), .identity = identity ? identity->utf8 : std::string()};
  std::vector<std::unique_ptr<QuestionView>> views;
  std::vector<Question> questions;
  for (const OwnedQuestion& question : owned) {
    views.push_back(std::make_unique<QuestionView>(question));
    questions.push_back(views.back()->get());
  }
  const auto total = static_cast<int64_t>(questions.size());
  return run_long(on_event, [&](const EventCallback& event, const std::stop_token& stop) {
    options.on_progress = [&event, total](int64_t done) { event({.kind = Event::Kind::progress, .stage = "ask", .done = done, .total = total}); };
    return ask(teacher, questions, options, stop);
  });
}

void register_oracles(py::module_& m) {
  py::class_<CalibratedOracle, TeacherOracle, py::smart_holder>(m, "CalibratedOracle", R"(A teacher whose scores are put right by a calibration.

Its identity is the inner teacher's and the calibration's. The inner teacher's own verdicts are looked up and kept in the store under its own identity, so
that another calibration asks nothing again.

Example:
    >>> teacher = lmtx.RecordedOracle.open('verdicts.jsonl')
    >>> calibration = lmtx.Calibration.shift([0.9, 0.4], 0.2)
    >>> lmtx.CalibratedOracle(teacher, calibration, store='calibrated.db')
    CalibratedOracle(identity='perfect/1+shift-...'))")
      .def(py::init(&calibrated), py::arg("teacher"), py::arg("calibration"), py::kw_only(), py::arg("store") = py::none(),
           R"(A teacher that gives calibrated scores.

Args:
    store: Where the inner teacher's verdicts are: a path or a JudgmentStore; the run's own will do. None: they are asked again each time.

Raises:
    ValueError: For a calibration that was fitted to another teacher.)")
      .def_property_readonly("calibration", &CalibratedOracle::calibration, py::return_value_policy::copy, "Calibration: what puts the scores right.")
      .def("__repr__", [](const CalibratedOracle& oracle) { return py::str("CalibratedOracle(identity={!r})").format(oracle.identity()); });
  py::class_<CombinedOracle, TeacherOracle, py::smart_holder>(m, "CombinedOracle", R"(Several teachers that are asked the same and answer as one.

A teacher that abstains carries no weight; where all do, so does this one. A pair that one of them fails at fails, and one that is left open stays open. What
each says is looked up and kept in the store under its own identity, so that another combination asks nothing again.

Example:
    >>> teachers = [lmtx.RecordedOracle.open('verdicts.jsonl'), lmtx.ScriptedOracle(lambda document, label: 0.3)]
    >>> lmtx.CombinedOracle(teachers, lmtx.Combination.mean([3, 1]), store='combined.db')
    CombinedOracle(identity='mean-...(perfect/1, scripted/1)'))")
      .def(py::init(&combined), py::arg("teachers"), py::arg("combination"), py::kw_only(), py::arg("store") = py::none(),
           R"(One teacher out of several.

Args:
    teachers: In the order of the combination.
    store: Where their verdicts are: a path or a JudgmentStore; the run's own will do. None: they are asked again each time.

Raises:
    ValueError: For a combination of another number of teachers, or two teachers with the same identity.)")
      .def_property_readonly("combination", &CombinedOracle::combination, py::return_value_policy::copy, "Combination: how they become one.")
      .def("__repr__", [](const CombinedOracle& oracle) { return py::str("CombinedOracle(identity={!r})").format(oracle.identity()); });
}

void register_asked(py::module_& m) {
  py::class_<AskedVerdicts>(m, "AskedVerdicts", R"(What a teacher said to questions outside a run. Immutable.

Example:
    >>> question = lmtx.Question(lmtx.Document('d0'), [lmtx.Label('l-tax', 'tax')])
    >>> lmtx.ask_teacher(lmtx.RecordedOracle.open('verdicts.jsonl'), [question])
    AskedVerdicts(1 questions, 1 pairs asked))")
      .def_readonly("verdicts", &AskedVerdicts::verdicts, "list[list[Verdict | None]]: for each question one a label; None where the teacher left it open.")
      .def_readonly("usage", &AskedVerdicts::usage, "Usage: what the answers that did not come from the store cost.")
      .def_readonly("asked", &AskedVerdicts::asked, "int: pairs that the store did not have.")
      .def("__repr__",
           [](const AskedVerdicts& self) { return py::str("AskedVerdicts({:,} questions, {:,} pairs asked)").format(self.verdicts.size(), self.asked); });
}

}  // namespace

void register_asking(py::module_& m) {
  register_oracles(m);
  register_asked(m);
  m.def("ask_teacher", &ask_teacher, py::arg("teacher"), py::arg("questions"), py::kw_only(), py::arg("store") = py::none(), py::arg("identity") = py::none(),
        py::arg("on_event") = py::none(),
        R"(Asks a teacher outside a run: to audit it, to compare it, to probe it. As many questions a call, and calls at once, as its traits say.

Args:
    questions: A list of Question; several may be about one document.
    store: A path or a JudgmentStore: what it has is not asked, and what is asked is kept. None: everything is asked, and nothing kept.
    identity: Under which name verdicts are looked up and kept; None: the teacher's own.
    on_event: Called with each Event.

Returns:
    AskedVerdicts.

Raises:
    TeacherError: The teacher cannot go on; other exceptions of a teacher come out as they are. What was answered by then is in the store.

Example:
    >>> question = lmtx.Question(lmtx.Document('d0', content='a tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> lmtx.ask_teacher(lmtx.CallbackOracle(lambda document, labels: [label in document for label in labels], identity='words/1'), [question]).verdicts
    [[Verdict.score(1.0), Verdict.score(0.0)]])");
}

}  // namespace lmtx::python
