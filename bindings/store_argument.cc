#include "store_argument.h"

#include <pybind11/stl/filesystem.h>

#include <filesystem>

#include "reference.h"

namespace lmtx::python {

namespace py = pybind11;

SharedStore to_store(const py::object& store) {
  if (store.is_none()) return nullptr;
  if (py::isinstance<JudgmentStore>(store)) return std::shared_ptr<JudgmentStore>(shared_reference(store), store.cast<JudgmentStore*>());
  try {
    return SharedStore::in_file(store.cast<std::filesystem::path>());
  } catch (const py::cast_error&) {
    throw py::type_error("`store` must be a JudgmentStore, a path or None, but is of type " + py::type::of(store).attr("__name__").cast<std::string>() +
                         " instead");
  }
}

}  // namespace lmtx::python
