#include "lmtx/teacher/store_reports.h"

#include <pybind11/stl.h>

#include <ctime>

#include "lmtx/detail/digest.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

py::object to_repr(const MergeCounts& counts) {
  return py::str("MergeCounts(judgments={}, answers={}, same={}, conflicts={})").format(counts.judgments, counts.answers, counts.same, counts.conflicts);
}

py::object to_repr(const StoreDiff& diff) {
  return py::str("StoreDiff(same={}, conflicts={}, only_here={}, only_there={})").format(diff.same, diff.conflicts, diff.only_here, diff.only_there);
}

py::object to_repr(const StoreDifference& difference) {
  return py::str("StoreDifference({!r}, {!r}, {!r}, here={!r}, there={!r})")
      .format(difference.identity, difference.document, difference.label, difference.here, difference.there);
}

py::object to_repr(const TeacherSummary& teacher) {
  return py::str("TeacherSummary({!r}, judgments={}, yes_rate={:.3f})").format(teacher.identity, teacher.judgments, teacher.yes_rate());
}

py::object to_repr(const StoreCheck& check) { return py::str("StoreCheck({} judgments, {} faults)").format(check.judgments, check.faults.size()); }

void register_sums(py::module_& m) {
  py::class_<UsageTotals>(m, "UsageTotals", R"(What several answers cost together: what JudgmentStore.usage gives.

Example:
    >>> lmtx.JudgmentStore.open('empty.db').usage()
    UsageTotals(Usage(prompt_tokens=0, cached_tokens=0, completion_tokens=0, cost=0, seconds=0), answers=0))")
      .def_readonly("usage", &UsageTotals::usage, "Usage: their sums.")
      .def_readonly("answers", &UsageTotals::answers, "int: how many there are.")
      .def("__repr__", [](const UsageTotals& totals) { return py::str("UsageTotals({!r}, answers={})").format(totals.usage, totals.answers); });
  py::class_<TeacherSummary>(m, "TeacherSummary", R"(One teacher in a store: what JudgmentStore.teachers gives.

Example:
    >>> store = lmtx.JudgmentStore.open('teachers.db')
    >>> store.put('my-llm/1', lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')]), [0.9])
    >>> store.teachers()
    [TeacherSummary('my-llm/1', judgments=1, yes_rate=1.000)])")
      .def_readonly("identity", &TeacherSummary::identity, "str: the name that its judgments are kept under.")
      .def_readonly("judgments", &TeacherSummary::judgments, "int: judgments, scored and abstained.")
      .def_readonly("abstained", &TeacherSummary::abstained, "int: those that it abstained from.")
      .def_readonly("yes", &TeacherSummary::yes, "int: those with a score of at least 0.5.")
      .def_readonly("totals", &TeacherSummary::totals, "UsageTotals: what its answers cost.")
      .def_readonly("first_time", &TeacherSummary::first_time, "int: when it answered first, in seconds since 1970, UTC.")
      .def_readonly("last_time", &TeacherSummary::last_time, "int: when it answered last, in seconds since 1970, UTC.")
      .def_property_readonly("yes_rate", &TeacherSummary::yes_rate, "float: yeses among the scored ones, in [0, 1].")
      .def("__repr__", [](const TeacherSummary& teacher) { return to_repr(teacher); });
}

void register_check(py::module_& m) {
  py::class_<StoreCheck>(m, "StoreCheck", R"(What JudgmentStore.check found. True where nothing is wrong.

Example:
    >>> check = lmtx.JudgmentStore.open('checked.db').check()
    >>> check, bool(check)
    (StoreCheck(0 judgments, 0 faults), True))")
      .def_readonly("answers", &StoreCheck::answers, "int: answers that were looked at.")
      .def_readonly("judgments", &StoreCheck::judgments, "int: judgments that were looked at.")
      .def_readonly("without_sum", &StoreCheck::without_sum, "int: rows of both that were written before there were checksums.")
      .def_readonly("faults", &StoreCheck::faults, "list[str]: what is wrong, in words; the first hundred.")
      .def("__bool__", &StoreCheck::whole)
      .def("__repr__", [](const StoreCheck& check) { return to_repr(check); });
}

void register_differences(py::module_& m) {
  py::class_<MergeCounts>(m, "MergeCounts", R"(What came of putting answers from elsewhere into a store.

Example:
    >>> lmtx.JudgmentStore.open('into.db').merge_from(lmtx.JudgmentStore.open('from.db'))
    MergeCounts(judgments=0, answers=0, same=0, conflicts=0))")
      .def_readonly("judgments", &MergeCounts::judgments, "int: judgments that were added.")
      .def_readonly("answers", &MergeCounts::answers, "int: answers that were added, with what they cost.")
      .def_readonly("same", &MergeCounts::same, "int: judgments that were there with the same score.")
      .def_readonly("conflicts", &MergeCounts::conflicts, "int: judgments that were there with another score, which stayed.")
      .def("__repr__", [](const MergeCounts& counts) { return to_repr(counts); });
  py::class_<StoreDifference>(m, "StoreDifference", R"(A judgment that two stores do not have alike.

Example:
    >>> here, there = lmtx.JudgmentStore.open('one.db'), lmtx.JudgmentStore.open('other.db')
    >>> here.put('my-llm/1', lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')]), [0.9])
    >>> here.diff(there).differences
    [StoreDifference('my-llm/1', '7', 'l-tax', here=Verdict.score(0.9), there=None)])")
      .def_property_readonly(
          "key", [](const StoreDifference& difference) { return detail::hex(difference.key); }, "str: the key, 32 hexadecimal digits.")
      .def_readonly("identity", &StoreDifference::identity, "str: of the teacher.")
      .def_readonly("document", &StoreDifference::document, "str: uid, as the first store has it, or the second where the first has not.")
      .def_readonly("label", &StoreDifference::label, "str: uid, likewise.")
      .def_readonly("here", &StoreDifference::here, "Verdict: in the first store; None where it is not there.")
      .def_readonly("there", &StoreDifference::there, "Verdict: in the second store; None where it is not there.")
      .def("__repr__", [](const StoreDifference& difference) { return to_repr(difference); });
  py::class_<StoreDiff>(m, "StoreDiff", R"(Two stores compared: what JudgmentStore.diff gives.

Example:
    >>> store = lmtx.JudgmentStore.open('compared.db')
    >>> store.put('my-llm/1', lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')]), [0.9])
    >>> store.diff(lmtx.JudgmentStore.open('nothing.db'))
    StoreDiff(same=0, conflicts=0, only_here=1, only_there=0))")
      .def_readonly("same", &StoreDiff::same, "int: judgments that both have, with the same score.")
      .def_readonly("conflicts", &StoreDiff::conflicts, "int: judgments that both have, with another score.")
      .def_readonly("only_here", &StoreDiff::only_here, "int: judgments of the first store alone.")
      .def_readonly("only_there", &StoreDiff::only_there, "int: judgments of the second store alone.")
      .def_readonly("differences", &StoreDiff::differences, "list[StoreDifference]: by key; of each of the three kinds the first ones.")
      .def("__repr__", [](const StoreDiff& diff) { return to_repr(diff); });
}

}  // namespace

void register_store_reports(py::module_& m) {
  register_sums(m);
  register_check(m);
  register_differences(m);
}

}  // namespace lmtx::python
