#include "lmtx/teacher/budget.h"

#include <pybind11/stl.h>

#include "register.h"

namespace lmtx::python {

void register_budget(py::module_& m) {
  const Budget defaults;
  py::class_<Budget>(m, "Budget", R"(What a run may spend. Immutable.

Example:
    >>> lmtx.Budget(judgments=20_000)
    Budget(judgments=20000, charge_stored=False))")
      .def(py::init([](std::optional<int64_t> judgments, bool charge_stored) { return Budget{judgments, charge_stored}; }), py::arg("judgments") = defaults.judgments,
           py::kw_only(), py::arg("charge_stored") = defaults.charge_stored,
           R"(A budget; the trainer refuses one below 0 with ValueError.

Args:
    judgments: Distinct pairs of document and label, scored or abstained, those on held-out documents included; None: no limit.
    charge_stored: Count pairs that the store held before the run, too.)")
      .def_readonly("judgments", &Budget::judgments, "int, distinct pairs; None: no limit.")
      .def_readonly("charge_stored", &Budget::charge_stored, "bool: whether pairs that the store held before the run count, too.")
      .def("__repr__", [](const Budget& budget) { return py::str("Budget(judgments={}, charge_stored={})").format(budget.judgments, budget.charge_stored); });
}

}  // namespace lmtx::python
