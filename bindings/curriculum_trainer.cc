#include "lmtx/train/curriculum_trainer.h"

#include <ATen/Context.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "interrupts.h"
#include "register.h"

namespace lmtx::python {
namespace {

CurriculumTrainer make_trainer(Encoder base, Corpus documents, LabelSet labels, std::optional<std::shared_ptr<TeacherOracle>> teacher,
                               const std::filesystem::path& folder, const TrainerOptions& options, const std::optional<std::filesystem::path>& store,
                               const std::optional<Budget>& budget, const std::optional<Rates>& rates) {
  RunOptions run{.folder = folder, .store = store.value_or(""), .budget = budget.value_or(Budget{}), .rates = rates.value_or(Rates{})};
  py::gil_scoped_release release;
  return {std::move(base), std::move(documents), std::move(labels), std::move(teacher).value_or(nullptr), options, std::move(run)};
}

// torch's autograd has threads for its cards, which whoever computes gradients first keeps to itself: were it we, the package torch would have none when it is
// imported later. So where there is a card it is imported before training begins, and is the one that we use, too; by a thread of its own, since that takes
// seconds.
class TorchImport {
 public:
  TorchImport() : needed_(at::hasCUDA()) {
    if (!needed_) return;
    const py::object import = py::module_::import("importlib").attr("import_module");
    py::module_::import("threading")
        .attr("Thread")(py::arg("target") = import, py::arg("args") = py::make_tuple("torch"), py::arg("daemon") = true)
        .attr("start")();
  }

  // The event that begins training waits for it.
  EventCallback before(const EventCallback& on_event) {
    if (!needed_) return on_event;
    return [this, on_event](const Event& event) {
      if (needed_ && event.stage == "train") {
        const py::gil_scoped_acquire gil;
        py::module_::import("torch");
        needed_ = false;
      }
      if (on_event) on_event(event);
    };
  }

 private:
  bool needed_;
};

TrainingReport run(CurriculumTrainer& trainer, const py::object& on_event) {
  TorchImport torch;
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return trainer.run(torch.before(event), stop); });
}

}  // namespace

void register_curriculum_trainer(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<CurriculumTrainer>(m, "CurriculumTrainer",
                                R"(Runs the curriculum in a work folder: shortlist, ask, train, measure.

The same call on the same folder goes on after any interruption and ends with the identical model. `train` is the same in one call.

Example:
    >>> trainer = lmtx.CurriculumTrainer(
    ...     lmtx.Encoder.load('model'), lmtx.Corpus.open('train.jsonl'), lmtx.LabelSet.open('labels.jsonl'), lmtx.RecordedOracle.open('verdicts.jsonl'),
    ...     folder='run', options=lmtx.TrainerOptions(cycles=1, development=0, batch_size=10))
    >>> trainer.plan().judgments
    600
    >>> report = trainer.run()
    >>> report
    TrainingReport(1 cycles, 600 judgments, best cycle 0)
    >>> lmtx.Tagger.load(report.tagger_folder)
    Tagger(12 labels, dim=32, search_length=64, k=5))")
      .def(py::init(&make_trainer), py::arg("base"), py::arg("documents"), py::arg("labels"), py::arg("teacher"), py::kw_only(), py::arg("folder"),
           py::arg("options") = preset("paper"), py::arg("store") = py::none(), py::arg("budget") = py::none(), py::arg("rates") = py::none(),
           R"(Checks everything that can be checked before anything is made or asked.

Args:
    base: The encoder to start from.
    documents: What is asked about and learned from.
    labels: What documents are tagged with.
    teacher: Judges; its identity is what judgments are kept under. None with a `method` that asks nothing, such as that of the presets maclr and rts.
    folder: The work folder; made when run() starts.
    options: The settings.
    store: The judgment store's file; None: judgments.db in the work folder.
    budget: What the run may spend; None: no limit.
    rates: What the teacher charges and how fast it is, for plans, and for answers to which it gives no cost.

Raises:
    ValueError: For an empty corpus or label set, and for a folder that holds a run with other options or inputs, naming them.
    RuntimeError: For a folder or store that cannot be read or written.)")
      .def("plan", &CurriculumTrainer::plan, release(),
           R"(Plan: what run() will ask at most, and what that takes of the teacher in tokens, money and hours. Nothing is asked.

Example:
    >>> plan = trainer.plan()  # Of the trainer above.
    >>> plan.questions, plan.judgments
    (60, 600))")
      .def("run", &run, py::kw_only(), py::arg("on_event") = py::none(),
           R"(Runs, or goes on, until the curriculum ends; on a finished folder it gives the report.

Ctrl-C ends it within a second with KeyboardInterrupt, in a teacher written in Python at once. Whatever it raises, the same call goes on from there.

Args:
    on_event: Called with each Event.

Raises:
    PairsOpen: The run needs answers that did not come.
    TeacherError: The teacher cannot go on.
    RuntimeError: Another process runs in the folder, or the disk fails.

Example:
    >>> trainer.run().ended  # The trainer above, which has run: it gives the report.
    'cycles')")
      .def_property_readonly("options", &CurriculumTrainer::options, py::return_value_policy::copy, "TrainerOptions: the settings of the run.")
      .def("__repr__", [](const CurriculumTrainer& trainer) { return py::str("CurriculumTrainer({})").format(py::cast(trainer.options())); });
}

}  // namespace lmtx::python
