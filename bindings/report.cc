#include "lmtx/train/report.h"

#include <pybind11/stl.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

void register_plan(py::module_& m) {
  py::class_<Plan>(m, "Plan", R"(An upper bound on what a run will ask, before anything is spent; what CurriculumTrainer.plan() gives. Its counts are int.

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
      .def_readonly("estimate", &Plan::estimate, "Estimate: what that takes of the teacher; None where neither it nor the store can tell.")
      .def_readonly("limit", &Plan::limit,
                    "str: the limit of the budget that is reached first: \"judgments\", \"tokens\", \"cost\" or \"seconds\"; empty: none.")
      .def("__str__", &Plan::to_string)
      .def("__repr__", [](const Plan& plan) {
        return "Plan(" + with_commas(plan.documents) + " documents, " + with_commas(plan.labels) + " labels, at most " + with_commas(plan.judgments) +
               " judgments)";
      });
}

void register_estimate(py::module_& m) {
  py::class_<Estimate>(m, "Estimate", R"(What a plan takes of the teacher, each with a 95 % interval over the documents that were looked at.

Example:
    >>> class Priced(lmtx.TeacherOracle):
    ...     def identity(self):
    ...         return 'priced/1'
    ...
    ...     def judge(self, questions, answers):
    ...         for question in questions:
    ...             answers.put(question, [True] * len(question))
    ...
    ...     def estimate(self, question):
    ...         return lmtx.Usage(prompt_tokens=100, cost=0.001)
    >>> trainer = lmtx.CurriculumTrainer(
    ...     lmtx.Encoder.load('model'), lmtx.Corpus.open('train.jsonl'), lmtx.LabelSet.open('labels.jsonl'), Priced(), folder='priced',
    ...     options=lmtx.TrainerOptions(cycles=1, development=0))
    >>> trainer.plan().estimate
    Estimate(prompt_tokens=6000, computed_tokens=6000, completion_tokens=0, cost=0.06, hours=None))")
      .def_readonly("sampled", &Estimate::sampled, "int: questions that were looked at; 0: answers to earlier runs told.")
      .def_readonly("prompt_tokens", &Estimate::prompt_tokens, "Interval: prompt tokens.")
      .def_readonly("computed_tokens", &Estimate::computed_tokens, "Interval: of these, those left to compute where the teacher has a prefix cache.")
      .def_readonly("completion_tokens", &Estimate::completion_tokens, "Interval: tokens of answers.")
      .def_readonly("cost", &Estimate::cost, "Interval: money, without a prefix cache; None without prices.")
      .def_readonly("cost_with_cache", &Estimate::cost_with_cache, "Interval: money, with one.")
      .def_readonly("hours", &Estimate::hours, "Interval: hours, without a prefix cache; None where nobody knows how fast the teacher is.")
      .def_readonly("hours_with_cache", &Estimate::hours_with_cache, "Interval: hours, with one.")
      .def("__repr__", [](const Estimate& estimate) {
        const auto shown = [](const std::optional<Interval>& interval) { return interval ? py::str("{:.4g}").format(interval->value) : py::str("None"); };
        return py::str("Estimate(prompt_tokens={:.0f}, computed_tokens={:.0f}, completion_tokens={:.0f}, cost={}, hours={})")
            .format(estimate.prompt_tokens.value, estimate.computed_tokens.value, estimate.completion_tokens.value, shown(estimate.cost),
                    shown(estimate.hours));
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
      .def_readonly("usage", &CycleReport::usage, "Usage: what its answers cost, as far as the teacher or the run's rates say.")
      .def_readonly("accepted", &CycleReport::accepted, "bool: whether the run went on with this cycle's student as the best so far.")
      .def("__repr__", [](const CycleReport& report) {
        return py::str("CycleReport(cycle={}, steps={}, loss {:.3g} to {:.3g})").format(report.cycle, report.steps, report.first_loss, report.last_loss);
      });
}

}  // namespace

void register_report(py::module_& m) {
  register_estimate(m);
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
      .def_property_readonly("usage", &TrainingReport::usage, "Usage: what all answers cost.")
      .def("gains_per_thousand", &TrainingReport::gains_per_thousand,
           R"(list[float | None]: what a thousand judgments of each cycle bought: the rise of the held-out precision, a fraction; None where it is unknown.

Example:
    >>> tagger.report.gains_per_thousand()  # Of a tagger that lmtx.train made, without held-out documents.
    [None, None])")
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
