#include "lmtx/teacher/budget.h"

#include <pybind11/stl.h>

#include "register.h"

namespace lmtx::python {

void register_budget(py::module_& m) {
  const Budget defaults;
  py::class_<Budget>(m, "Budget", "What a run may spend. Immutable.")
      .def(py::init([](std::optional<int64_t> judgments, bool charge_stored) { return Budget{judgments, charge_stored}; }), py::arg("judgments") = defaults.judgments,
           py::kw_only(), py::arg("charge_stored") = defaults.charge_stored,
           "Args:\n"
           "    judgments: Distinct pairs, scored or abstained; None: no limit.\n"
           "    charge_stored: Count pairs that the store held before the run, too.")
      .def_readonly("judgments", &Budget::judgments)
      .def_readonly("charge_stored", &Budget::charge_stored)
      .def("__repr__", [](const Budget& budget) { return py::str("Budget(judgments={}, charge_stored={})").format(budget.judgments, budget.charge_stored); });
}

}  // namespace lmtx::python
