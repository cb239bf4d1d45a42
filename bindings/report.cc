#include "lmtx/train/report.h"

#include <pybind11/stl.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

void register_plan(py::module_& m) {
  py::class_<Plan>(m, "Plan", R"(An upper bound on what a run will ask, before anything is spent; what CurriculumTrainer.plan() gives. All its numbers are int.

Example:
    >>> trainer.plan()  # Of a CurriculumTrainer.
    Plan(60 documents, 12 labels, at most 600 judgments)
    >>> trainer.plan().judgments
    600)")
      .def_readonly("documents", &Plan::documents, "Documents of the corpus.")
      .def_readonly("labels", &Plan::labels, "Labels of the label set.")
      .def_readonly("development", &Plan::development, "Documents held out.")
      .def_readonly("cycles", &Plan::cycles, "Cycles, at most.")
      .def_readonly("questions", &Plan::questions, "Documents put to the teacher, once a document and cycle.")
      .def_readonly("pairs_wanted", &Plan::pairs_wanted, "Pairs, those that the store will answer included.")
      .def_readonly("judgments", &Plan::judgments, "Of these, at most so many are charged to the budget.")
      .def("__str__", &Plan::to_string)
      .def("__repr__", [](const Plan& plan) {
        return "Plan(" + with_commas(plan.documents) + " documents, " + with_commas(plan.labels) + " labels, at most " + with_commas(plan.judgments) +
               " judgments)";
      });
}

void register_input_report(py::module_& m) {
  py::class_<InputReport>(m, "InputReport", R"(What a run was given, and what of it could not be used as it was. All its numbers are int.

Example:
    >>> tagger.report.inputs  # Of a tagger that lmtx.train made.
    InputReport(documents=60, labels=12, empty_documents=0, repeated_documents=0, cut_documents=0))")
      .def_readonly("documents", &InputReport::documents, "Documents of the corpus.")
      .def_readonly("labels", &InputReport::labels, "Labels of the label set.")
      .def_readonly("empty_documents", &InputReport::empty_documents, "Without any text: neither asked about nor trained on.")
      .def_readonly("repeated_documents", &InputReport::repeated_documents, "With the text of an earlier one: judged once, with it.")
      .def_readonly("repeated_labels", &InputReport::repeated_labels, "With name and description of an earlier one: judged once, with it.")
      .def_readonly("cut_documents", &InputReport::cut_documents, "With more tokens than are read, in training or search.")
      .def_readonly("cut_labels", &InputReport::cut_labels, "With more tokens than are read.")
      .def("__repr__", [](const InputReport& report) {
        return py::str("InputReport(documents={}, labels={}, empty_documents={}, repeated_documents={}, cut_documents={})")
            .format(report.documents, report.labels, report.empty_documents, report.repeated_documents, report.cut_documents);
      });
}

void register_asking_report(py::module_& m) {
  py::class_<AskingReport>(m, "AskingReport", R"(What asking came to, in a cycle or a run. Its counts are int.

Example:
    >>> tagger.report.total  # Of a tagger that lmtx.train made.
    AskingReport(pairs_wanted=..., judgments=..., abstentions=0, yes_rate=0...))")
      .def_readonly("questions", &AskingReport::questions, "Documents put to the teacher, one a document and call.")
      .def_readonly("pairs_wanted", &AskingReport::pairs_wanted, "Pairs, those answered from the store included.")
      .def_readonly("from_store", &AskingReport::from_store, "Of these, answered from the store without asking.")
      .def_readonly("judgments", &AskingReport::judgments, "Distinct scored pairs.")
      .def_readonly("abstentions", &AskingReport::abstentions, "Distinct pairs that the teacher would not say or, as a recording, does not have.")
      .def_readonly("missing", &AskingReport::missing, "Of these, those that the recording does not have.")
      .def_readonly("open", &AskingReport::open, "Pairs left open, unknown for the cycle.")
      .def_readonly("over_budget", &AskingReport::over_budget, "Pairs not asked because the budget was spent.")
      .def_readonly("yes", &AskingReport::yes, "Scored pairs that are a yes.")
      .def_property_readonly("yes_rate", &AskingReport::yes_rate, "float: the share of the judgments that is a yes, in [0, 1].")
      .def("__repr__", [](const AskingReport& report) {
        return py::str("AskingReport(pairs_wanted={}, judgments={}, abstentions={}, yes_rate={:.3f})")
            .format(report.pairs_wanted, report.judgments, report.abstentions, report.yes_rate());
      });
}

void register_cycle_report(py::module_& m) {
  py::class_<CycleReport>(m, "CycleReport", R"(What one cycle did. Its counts are int.

Example:
    >>> tagger.report.cycles[1]  # Of a tagger that lmtx.train made.
    CycleReport(cycle=1, steps=..., loss ... to ...))")
      .def_readonly("cycle", &CycleReport::cycle, "Its number, from 0.")
      .def_readonly("training", &CycleReport::training, "AskingReport: the verdicts that were trained on.")
      .def_readonly("development", &CycleReport::development, "AskingReport: the verdicts on held-out documents.")
      .def_readonly("documents_with_yes", &CycleReport::documents_with_yes, "Documents with at least one yes: those that were trained on.")
      .def_readonly("documents_without_yes", &CycleReport::documents_without_yes, "Documents without any yes.")
      .def_readonly("documents_left_over", &CycleReport::documents_left_over,
                    "Documents with a yes that each pass leaves out, others each time: fewer than fill a batch.")
      .def_readonly("steps", &CycleReport::steps, "Steps of the optimizer.")
      .def_readonly("first_loss", &CycleReport::first_loss, "float: mean loss of the first tenth of the steps.")
      .def_readonly("last_loss", &CycleReport::last_loss, "float: mean loss of the last tenth of the steps.")
      .def_readonly("development_precision", &CycleReport::development_precision,
                    "Interval: share of development documents whose first label is a yes, a fraction; None without any.")
      .def_readonly("accepted", &CycleReport::accepted, "bool: whether the run went on with this cycle's student as the best so far.")
      .def("__repr__", [](const CycleReport& report) {
        return py::str("CycleReport(cycle={}, steps={}, loss {:.3g} to {:.3g})").format(report.cycle, report.steps, report.first_loss, report.last_loss);
      });
}

}  // namespace

void register_report(py::module_& m) {
  register_plan(m);
  register_input_report(m);
  register_asking_report(m);
  register_cycle_report(m);
  py::class_<TrainingReport>(m, "TrainingReport", R"(What a run did, in numbers. print() shows it as text, a notebook as a table.

Example:
    >>> tagger.report  # Of a tagger that lmtx.train made.
    TrainingReport(2 cycles, ... judgments, best cycle 1)
    >>> tagger.report.ended
    'cycles')")
      .def_readonly("teacher", &TrainingReport::teacher, "str: the teacher's identity.")
      .def_readonly("inputs", &TrainingReport::inputs, "InputReport: what the run was given.")
      .def_readonly("total", &TrainingReport::total, "AskingReport: each pair once, over all cycles.")
      .def_readonly("cycles", &TrainingReport::cycles, "list[CycleReport]: cycle by cycle.")
      .def_readonly("untouched_precision", &TrainingReport::untouched_precision,
                    "Interval: the untouched encoder on the development documents, a fraction; None without any.")
      .def_readonly("best_cycle", &TrainingReport::best_cycle, "int: the cycle whose student the tagger carries; -1 where nothing could be trained.")
      .def_readonly("ended", &TrainingReport::ended,
                    "str: why the run ended: \"cycles\", \"no gain\", \"budget\" or \"nothing to learn\"; without a teacher \"stages\" (all done) or \"nothing "
                    "to learn\".")
      .def_readonly("notices", &TrainingReport::notices, "list[str]: sentences for the user, on what was skipped and why.")
      .def_readonly("student_folders", &TrainingReport::student_folders, "list[str]: the folders of the trained students, cycle by cycle.")
      .def_readonly("tagger_folder", &TrainingReport::tagger_folder, "str: the folder that Tagger.load opens.")
      .def("to_json", &TrainingReport::to_json, R"(str: all of it as JSON, metrics in per cent.

Example:
    >>> import json
    >>> json.loads(tagger.report.to_json())['ended']  # Of a tagger that lmtx.train made.
    'cycles')")
      .def("__str__", &TrainingReport::to_string)
      .def("__repr__", [](const TrainingReport& report) {
        return py::str("TrainingReport({} cycles, {} judgments, best cycle {})").format(report.cycles.size(), report.total.judgments, report.best_cycle);
      });
}

}  // namespace lmtx::python
