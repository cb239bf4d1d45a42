// Writing files whole or not at all.
#include "lmtx/detail/files.h"

#include <pybind11/stl/filesystem.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {

void register_files(py::module_& m) {
  const auto write = [](const std::filesystem::path& file, const Text& text) { detail::write_file_atomically(file, text.utf8); };
  m.def("write_file_atomically", write, py::arg("file"), py::arg("text"), py::call_guard<py::gil_scoped_release>(),
        "Writes beside the file, flushes to disk, renames. RuntimeError names the path and the cause (disk full, read-only).");
}

}  // namespace lmtx::python
