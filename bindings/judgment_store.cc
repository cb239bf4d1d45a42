#include "lmtx/teacher/judgment_store.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "question.h"
#include "register.h"
#include "text.h"
#include "verdict.h"

namespace lmtx::python {
namespace {

std::vector<std::optional<Judgment>> find(const JudgmentStore& store, const Text& identity, const OwnedQuestion& question) {
  py::gil_scoped_release release;
  return store.find(identity.utf8, QuestionView(question).get());
}

void put(JudgmentStore& store, const Text& identity, const OwnedQuestion& question, const py::object& answers, const Usage& usage, const Text& run) {
  const std::vector<Verdict> verdicts = to_verdicts(answers, question);
  py::gil_scoped_release release;
  store.put(identity.utf8, QuestionView(question).get(), verdicts, usage, run.utf8);
}

void export_recording(const JudgmentStore& store, const Text& identity, const std::filesystem::path& file) {
  py::gil_scoped_release release;
  store.export_recording(identity.utf8, file);
}

int64_t size_of(const JudgmentStore& store, const Text& identity) {
  py::gil_scoped_release release;
  return store.size(identity.utf8);
}

}  // namespace

void register_judgment_store(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<Judgment>(m, "Judgment", "A verdict kept in a store.")
      .def_readonly("verdict", &Judgment::verdict)
      .def_readonly("run", &Judgment::run, "The run that asked for it.")
      .def("__repr__", [](const Judgment& judgment) { return py::str("Judgment({!r}, run={!r})").format(judgment.verdict, judgment.run); });
  py::class_<JudgmentStore>(m, "JudgmentStore", "Verdicts that were paid for, kept for good in one SQLite file. May be used from several threads.")
      .def_static("open", &JudgmentStore::open, py::arg("file"), release(), "Opens or makes the file.")
      .def("find", &find, py::arg("identity"), py::arg("question"), "What is known about each label of a question, in order; None where nothing is.")
      .def("put", &put, py::arg("identity"), py::arg("question"), py::arg("verdicts"), py::kw_only(), py::arg("usage") = Usage{}, py::arg("run") = Text{},
           "Keeps the scored and abstained verdicts; a pair that is there already stays as it was.")
      .def("flush", &JudgmentStore::flush, release(), "When it returns what was put before survives a power cut, too.")
      .def("__len__", py::overload_cast<>(&JudgmentStore::size, py::const_), release())
      .def("size", &size_of, py::arg("identity"), "Judgments of the teacher that uses this identity.")
      .def("identities", &JudgmentStore::identities, release(), "The identities in the store, sorted.")
      .def("export_recording", &export_recording, py::arg("identity"), py::arg("file"),
           "Writes a teacher's judgments as recorded verdicts, which RecordedOracle reads; whole or not at all.")
      .def("__repr__", [](const JudgmentStore& store) { return "JudgmentStore(" + with_commas(store.size()) + " judgments)"; });
}

}  // namespace lmtx::python
