#include "lmtx/teacher/judgment_store.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <deque>

#include "interrupts.h"
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

std::vector<std::vector<std::optional<Judgment>>> find_all(const JudgmentStore& store, const Text& identity, const std::vector<OwnedQuestion>& questions) {
  py::gil_scoped_release release;
  std::deque<QuestionView> views;
  std::vector<Question> viewed;
  for (const OwnedQuestion& question : questions) viewed.push_back(views.emplace_back(question).get());
  return store.find(identity.utf8, viewed);
}

void put(JudgmentStore& store, const Text& identity, const OwnedQuestion& question, const py::object& answers, const Usage& usage, const Text& run,
         const Text& raw) {
  const std::vector<Verdict> verdicts = to_verdicts(answers, question);
  py::gil_scoped_release release;
  store.put(identity.utf8, QuestionView(question).get(), verdicts, usage, run.utf8, raw.utf8);
}

std::optional<std::string> utf8_or_none(const std::optional<Text>& text) { return text ? std::optional(text->utf8) : std::nullopt; }

UsageTotals usage_of(const JudgmentStore& store, const std::optional<Text>& identity, const std::optional<Text>& run) {
  py::gil_scoped_release release;
  return store.usage(utf8_or_none(identity), utf8_or_none(run));
}

// What looks through a whole store: Ctrl-C ends it.
template <typename Work>
auto look_through(Work work) {
  return run_long(py::none(), [&](const EventCallback&, const std::stop_token& stop) { return work(stop); });
}

StoreCheck check(const JudgmentStore& store) {
  return look_through([&](const std::stop_token& stop) { return store.check(stop); });
}

MergeCounts merge_from(JudgmentStore& store, const JudgmentStore& other) {
  return look_through([&](const std::stop_token& stop) { return store.merge_from(other, stop); });
}

StoreDiff diff(const JudgmentStore& store, const JudgmentStore& other, int64_t max_listed) {
  return look_through([&](const std::stop_token& stop) { return store.diff(other, max_listed, stop); });
}

void export_json_lines(const JudgmentStore& store, const std::filesystem::path& file, const std::optional<Text>& identity) {
  look_through([&](const std::stop_token& stop) { store.export_json_lines(file, utf8_or_none(identity), stop); });
}

MergeCounts import_json_lines(JudgmentStore& store, const std::filesystem::path& file) {
  return look_through([&](const std::stop_token& stop) { return store.import_json_lines(file, stop); });
}

void export_recording(const JudgmentStore& store, const Text& identity, const std::filesystem::path& file) {
  py::gil_scoped_release release;
  store.export_recording(identity.utf8, file);
}

int64_t size_of(const JudgmentStore& store, const Text& identity) {
  py::gil_scoped_release release;
  return store.size(identity.utf8);
}

void register_judgment(py::module_& m) {
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
}

void define_whole_store(py::class_<JudgmentStore>& store);

}  // namespace

void register_judgment_store(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  register_judgment(m);
  py::class_<JudgmentStore> store(m, "JudgmentStore", R"(Verdicts that were paid for, kept for good in one SQLite file.

May be used from several threads, and several processes may have the file open. A child of fork() can neither use its parent's store nor open that file while
it was open at the fork: RuntimeError says so. Every method raises RuntimeError, naming the file, when the disk is full or the file is damaged.

Example:
    >>> store = lmtx.JudgmentStore.open('judgments.db')
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> store.put('my-llm/1', question, [0.9, None])
    >>> store.find('my-llm/1', question)
    [Judgment(Verdict.score(0.9), run=''), Judgment(Verdict.abstain(), run='')]
    >>> store
    JudgmentStore(2 judgments))");
  store
      .def_static("open", &JudgmentStore::open, py::arg("file"), release(),
                  R"(Opens or makes the file. RuntimeError naming it, where it is no store, of a newer format, read-only, or the disk is full.

Example:
    >>> lmtx.JudgmentStore.open('new.db')
    JudgmentStore(0 judgments))")
      .def_static("open_read_only", &JudgmentStore::open_read_only, py::arg("file"), release(),
                  R"(Opens a file that is there and changes nothing, not even an older format; also where neither the file nor its folder can be written.

Example:
    >>> lmtx.JudgmentStore.open('judgments.db').flush()  # With the judgments of the example above.
    >>> lmtx.JudgmentStore.open_read_only('judgments.db')
    JudgmentStore(2 judgments))")
      .def_property_readonly("file", &JudgmentStore::file, "pathlib.Path: of the file; absolute.")
      .def_property_readonly("read_only", &JudgmentStore::read_only, "bool: whether it was opened by open_read_only.")
      .def("find", &find, py::arg("identity"), py::arg("question"),
           R"(What is known about each label of a question, in order: a list of Judgment, None where nothing is.

Example:
    >>> store = lmtx.JudgmentStore.open('found.db')
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> store.put('my-llm/1', question.part([0]), [True])
    >>> store.find('my-llm/1', question)
    [Judgment(Verdict.score(1.0), run=''), None])")
      .def("find_all", &find_all, py::arg("identity"), py::arg("questions"),
           R"(The same for many questions, faster: in the order of the keys, on all cores. A list of lists.

Example:
    >>> store = lmtx.JudgmentStore.open('judgments.db')  # With the judgments of the example above.
    >>> labels = [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')]
    >>> store.find_all('my-llm/1', [lmtx.Question(lmtx.Document('7', content=content), labels) for content in ['income tax', 'troops']])
    [[Judgment(Verdict.score(0.9), run=''), Judgment(Verdict.abstain(), run='')], [None, None]])")
      .def("put", &put, py::arg("identity"), py::arg("question"), py::arg("verdicts"), py::kw_only(), py::arg("usage") = Usage{}, py::arg("run") = Text{},
           py::arg("raw") = Text{},
           R"(Keeps the scored and abstained verdicts; a pair that is there already stays as it was. When it returns they survive the end of the process.

Where all failed, the tokens and the money that it cost are kept alone.

Args:
    identity: The teacher's.
    question: A document and labels.
    verdicts: For each label a Verdict, a score in [0, 1], a bool or None (abstains).
    usage: What they cost.
    run: Who asked.
    raw: What the teacher said, word for word, where it is to be kept.

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
  define_whole_store(store);
}

namespace {

// What looks at a store as a whole.
void define_whole_store(py::class_<JudgmentStore>& store) {
  using release = py::call_guard<py::gil_scoped_release>;
  store
      .def("usage", &usage_of, py::arg("identity") = py::none(), py::kw_only(), py::arg("run") = py::none(),
           R"(What the answers that a teacher gave, or a run got, cost together; without arguments all. A UsageTotals.

Example:
    >>> store = lmtx.JudgmentStore.open('usage.db')
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')])
    >>> store.put('my-llm/1', question, [True], usage=lmtx.Usage(prompt_tokens=300), run='monday')
    >>> store.usage(run='monday').usage.prompt_tokens, store.usage('another-llm/1').answers
    (300, 0))")
      .def("teachers", &JudgmentStore::teachers, release(), R"(list[TeacherSummary]: the teachers in the store, by identity. Looks at every judgment.

Example:
    >>> store = lmtx.JudgmentStore.open('usage.db')  # With the judgment of the example above.
    >>> store.teachers()
    [TeacherSummary('my-llm/1', judgments=1, yes_rate=1.000)])")
      .def("check", &check,
           R"(Looks through everything: SQLite's own check, every checksum, every reference. Changes nothing. A StoreCheck, which is True where all is well.

Example:
    >>> store = lmtx.JudgmentStore.open('usage.db')  # With the judgment of the example above.
    >>> store.check()
    StoreCheck(1 judgments, 0 faults))")
      .def("merge_from", &merge_from, py::arg("other"), R"(Adds what another store has: judgments, what their answers cost, raw answers. Gives MergeCounts.

What is here already stays as it was, and an answer that is here already is not added again, so that the same call after a kill does the rest. Others may write meanwhile.

Example:
    >>> store, other = lmtx.JudgmentStore.open('merged.db'), lmtx.JudgmentStore.open('usage.db')  # With the judgment of the example above.
    >>> store.merge_from(other)
    MergeCounts(judgments=1, answers=1, same=0, conflicts=0)
    >>> store.merge_from(other)
    MergeCounts(judgments=0, answers=0, same=1, conflicts=0))")
      .def("diff", &diff, py::arg("other"), py::kw_only(), py::arg("max_listed") = 100,
           R"(Compares what both have, by their keys. A StoreDiff, which lists at most `max_listed` differences of each kind.

Example:
    >>> store, other = lmtx.JudgmentStore.open('usage.db'), lmtx.JudgmentStore.open('none.db')  # With the judgment of the example above.
    >>> store.diff(other)
    StoreDiff(same=0, conflicts=0, only_here=1, only_there=0))")
      .def("export_json_lines", &export_json_lines, py::arg("file"), py::kw_only(), py::arg("identity") = py::none(),
           R"(Writes what the store has, of one teacher or of all, as JSON lines that import_json_lines reads; nothing is lost on the way.

Raises:
    ValueError: Where the store has nothing of this identity.
    RuntimeError: Naming the path that could not be written, and why.

Example:
    >>> store = lmtx.JudgmentStore.open('usage.db')  # With the judgment of the example above.
    >>> store.export_json_lines('judgments.jsonl'))")
      .def("import_json_lines", &import_json_lines, py::arg("file"),
           R"(Adds what a file has, plain or gzip, as merge_from does. RuntimeError naming file and line, before anything is added, where it is wrong.

Example:
    >>> store = lmtx.JudgmentStore.open('imported-lines.db')
    >>> store.import_json_lines('judgments.jsonl')  # Of the example above.
    MergeCounts(judgments=1, answers=1, same=0, conflicts=0))");
}

}  // namespace

}  // namespace lmtx::python
