#include "lmtx/teacher/recorded_oracle.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {

void register_recorded_oracle(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<RecordedOracle, TeacherOracle, py::smart_holder>(m, "RecordedOracle",
      R"(Verdicts that were recorded before, given again under the recording's own identity.

A pair that was not recorded counts as abstained for the run, and is not stored.

Example:
    >>> teacher = lmtx.RecordedOracle.open('verdicts.jsonl')
    >>> teacher
    RecordedOracle(identity='perfect/1', 720 pairs)
    >>> teacher.documents()[:3]
    ['d0', 'd1', 'd2'])")
      .def_static("open", &RecordedOracle::open, py::arg("file"), release(),

           R"(Reads JSON lines (.gz or plain): a header {"format": 1, "identity"}, then {"uid", "labels": [label uid, ...], "scores": [score or null, ...]}.

Raises:
    RuntimeError: Naming file and line, for a header that is missing or newer, broken JSON, lists of unequal lengths, a score outside [0, 1], or a pair with
        two scores.

Example:
    >>> len(lmtx.RecordedOracle.open('verdicts.jsonl'))
    720)")
      .def("documents", &RecordedOracle::documents, release(), R"(list[str]: every document uid that was recorded, in the order of the file.

Example:
    >>> lmtx.RecordedOracle.open('verdicts.jsonl').documents()[-1]
    'd59')")
      .def("__len__", &RecordedOracle::size)
      .def("__repr__", [](const RecordedOracle& oracle) {
        return py::str("RecordedOracle(identity={!r}, {} pairs)").format(oracle.identity(), with_commas(oracle.size()));
      });
}

}  // namespace lmtx::python
