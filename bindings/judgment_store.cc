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
  py::class_<Judgment>(m, "Judgment", R"(A verdict kept in a store: what JudgmentStore.find gives. Immutable.

Example:
    >>> store = lmtx.JudgmentStore.open('example.db')
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')])
    >>> store.put('my-llm/1', question, [True], run='first')
    >>> [judgment] = store.find('my-llm/1', question)
    >>> judgment.verdict, judgment.run
    (Verdict.score(1.0), 'first'))")
      .def_readonly("verdict", &Judgment::verdict, "Verdict: a score, or an abstention.")
      .def_readonly("run", &Judgment::run, "str: the run that asked for it, as it named itself.")
      .def("__repr__", [](const Judgment& judgment) { return py::str("Judgment({!r}, run={!r})").format(judgment.verdict, judgment.run); });
  py::class_<JudgmentStore>(m, "JudgmentStore", R"(Verdicts that were paid for, kept for good in one SQLite file.

May be used from several threads, and several processes may have the file open. A child of fork() can neither use its parent's store nor open that file while
it was open at the fork: RuntimeError says so. Every method raises RuntimeError, naming the file, when the disk is full or the file is damaged.

Example:
    >>> store = lmtx.JudgmentStore.open('judgments.db')
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> store.put('my-llm/1', question, [0.9, None])
    >>> store.find('my-llm/1', question)
    [Judgment(Verdict.score(0.9), run=''), Judgment(Verdict.abstain(), run='')]
    >>> store
    JudgmentStore(2 judgments))")
      .def_static("open", &JudgmentStore::open, py::arg("file"), release(),
           R"(Opens or makes the file. RuntimeError naming it, where it is no store, of a newer format, read-only, or the disk is full.

Example:
    >>> lmtx.JudgmentStore.open('new.db')
    JudgmentStore(0 judgments))")
      .def("find", &find, py::arg("identity"), py::arg("question"),
           R"(What is known about each label of a question, in order: a list of Judgment, None where nothing is.

Example:
    >>> store = lmtx.JudgmentStore.open('found.db')
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> store.put('my-llm/1', question.part([0]), [True])
    >>> store.find('my-llm/1', question)
    [Judgment(Verdict.score(1.0), run=''), None])")
      .def("put", &put, py::arg("identity"), py::arg("question"), py::arg("verdicts"), py::kw_only(), py::arg("usage") = Usage{}, py::arg("run") = Text{},
           R"(Keeps the scored and abstained verdicts; a pair that is there already stays as it was. When it returns they survive the end of the process.

Args:
    identity: The teacher's.
    question: A document and labels.
    verdicts: For each label a Verdict, a score in [0, 1], a bool or None (abstains).
    usage: What they cost.
    run: Who asked.

Raises:
    ValueError: For another number of verdicts, or one that is none, naming document and label.

Example:
    >>> store = lmtx.JudgmentStore.open('put.db')
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> store.put('my-llm/1', question, [0.9, lmtx.Verdict.no()], usage=lmtx.Usage(prompt_tokens=300), run='monday')
    >>> len(store)
    2)")
      .def("flush", &JudgmentStore::flush, release(), R"(When it returns what was put before survives a power cut, too. RuntimeError when the disk fails.

Example:
    >>> store = lmtx.JudgmentStore.open('judgments.db')  # With the judgments of the example above.
    >>> store.flush())")
      .def("__len__", py::overload_cast<>(&JudgmentStore::size, py::const_), release())
      .def("size", &size_of, py::arg("identity"), R"(int: judgments of the teacher that uses this identity.

Example:
    >>> store = lmtx.JudgmentStore.open('judgments.db')  # With the judgments of the example above.
    >>> store.size('my-llm/1'), store.size('another-llm/1')
    (2, 0))")
      .def("identities", &JudgmentStore::identities, release(), R"(list[str]: the identities in the store, sorted.

Example:
    >>> store = lmtx.JudgmentStore.open('judgments.db')  # With the judgments of the example above.
    >>> store.identities()
    ['my-llm/1'])")
      .def("export_recording", &export_recording, py::arg("identity"), py::arg("file"),
           R"(Writes a teacher's judgments as recorded verdicts, which RecordedOracle reads; whole or not at all.

Raises:
    ValueError: Where the store has nothing of this identity.
    RuntimeError: Naming the path that could not be written, and why.

Example:
    >>> store = lmtx.JudgmentStore.open('judgments.db')  # With the judgments of the example above.
    >>> store.export_recording('my-llm/1', 'recording.jsonl')
    >>> lmtx.RecordedOracle.open('recording.jsonl')
    RecordedOracle(identity='my-llm/1', 2 pairs))")
      .def("__repr__", [](const JudgmentStore& store) { return "JudgmentStore(" + with_commas(store.size()) + " judgments)"; });
}

}  // namespace lmtx::python
