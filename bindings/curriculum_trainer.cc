#include "lmtx/train/curriculum_trainer.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "interrupts.h"
#include "register.h"

namespace lmtx::python {
namespace {

CurriculumTrainer make_trainer(Encoder base, Corpus documents, LabelSet labels, std::shared_ptr<TeacherOracle> teacher, const std::filesystem::path& folder,
                               const TrainerOptions& options, const std::optional<std::filesystem::path>& store, const std::optional<Budget>& budget) {
  RunOptions run{.folder = folder, .store = store.value_or(""), .budget = budget.value_or(Budget{})};
  py::gil_scoped_release release;
  return {std::move(base), std::move(documents), std::move(labels), std::move(teacher), options, std::move(run)};
}

TrainingReport run(CurriculumTrainer& trainer, const py::object& on_event) {
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return trainer.run(event, stop); });
}

}  // namespace

void register_curriculum_trainer(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<CurriculumTrainer>(m, "CurriculumTrainer",
                                "Runs the curriculum in a work folder: shortlist, ask, train, measure. The same call on the same folder goes on after any interruption "
                                "and ends with the identical model.")
      .def(py::init(&make_trainer), py::arg("base"), py::arg("documents"), py::arg("labels"), py::arg("teacher"), py::kw_only(), py::arg("folder"),
           py::arg("options") = preset("paper"), py::arg("store") = py::none(), py::arg("budget") = py::none(),
           "Checks everything that can be checked before anything is made or asked.\n\n"
           "Args:\n"
           "    folder: The work folder; made when run() starts.\n"
           "    options: The settings.\n"
           "    store: The judgment store's file; None: judgments.db in the work folder.\n"
           "    budget: What the run may spend; None: no limit.")
      .def("plan", &CurriculumTrainer::plan, release(), "What run() will ask at most.")
      .def("run", &run, py::kw_only(), py::arg("on_event") = py::none(), "Runs, or goes on, until the curriculum ends.")
      .def_property_readonly("options", &CurriculumTrainer::options, py::return_value_policy::copy)
      .def("__repr__", [](const CurriculumTrainer& trainer) { return py::str("CurriculumTrainer({})").format(py::cast(trainer.options())); });
}

}  // namespace lmtx::python
