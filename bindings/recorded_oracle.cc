#include "lmtx/teacher/recorded_oracle.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {

void register_recorded_oracle(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<RecordedOracle, TeacherOracle, py::smart_holder>(m, "RecordedOracle", "Verdicts that were recorded before, given again under the recording's own identity.")
      .def_static("open", &RecordedOracle::open, py::arg("file"), release(), "Reads JSON lines (.gz or plain): a header, then documents with labels and scores.")
      .def("documents", &RecordedOracle::documents, release(), "Every document uid that was recorded, in the order of the file.")
      .def("__len__", &RecordedOracle::size)
      .def("__repr__", [](const RecordedOracle& oracle) {
        return py::str("RecordedOracle(identity={!r}, {} pairs)").format(oracle.identity(), with_commas(oracle.size()));
      });
}

}  // namespace lmtx::python
