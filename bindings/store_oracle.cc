#include "lmtx/teacher/store_oracle.h"

#include <pybind11/stl/filesystem.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {

void register_store_oracle(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<StoreOracle, TeacherOracle, py::smart_holder>(m, "StoreOracle",
      R"(The judgments that a store has of one teacher, given again under that teacher's identity.

With the options and data of the run that filled the store, a run ends with the same model, without the teacher. A pair that the store lacks counts
as abstained for the run. The store is only read.

Example:
    >>> store = lmtx.JudgmentStore.open('replayed.db')
    >>> question = lmtx.Question(lmtx.Document('d1', content='A tax on tea.'), [lmtx.Label('l1', 'tax')])
    >>> store.put('llm/1', question, [0.9])
    1
    >>> lmtx.StoreOracle.open('replayed.db')
    StoreOracle(identity='llm/1', 1 judgments))")
      .def_static("open", [](const std::filesystem::path& store, const Text& identity) { return StoreOracle::open(store, identity.utf8); }, py::arg("store"),
                  py::arg("identity") = Text{}, release(), R"(Opens a store to read it.

Args:
    store: The file.
    identity: Whose judgments; '': those of the only teacher in the store.

Raises:
    RuntimeError: For a file that is no store.
    ValueError: Naming the teachers in the store, where it has nothing of this one, or none or several to choose from.

Example:
    >>> store = lmtx.JudgmentStore.open('two.db')
    >>> question = lmtx.Question(lmtx.Document('d1', content='A tax on tea.'), [lmtx.Label('l1', 'tax')])
    >>> store.put('llm/1', question, [0.9]) + store.put('llm/2', question, [0.8])
    2
    >>> lmtx.StoreOracle.open('two.db', 'llm/2')
    StoreOracle(identity='llm/2', 1 judgments))")
      .def("__len__", &StoreOracle::size)
      .def("__repr__",
           [](const StoreOracle& oracle) { return py::str("StoreOracle(identity={!r}, {} judgments)").format(oracle.identity(), with_commas(oracle.size())); });
}

}  // namespace lmtx::python
