// One register_* function for each bound class or small family; module.cc calls them in the order in which they need each other.
#pragma once

#include <pybind11/pybind11.h>

namespace lmtx::python {

namespace py = pybind11;

void register_errors(py::module_& m);
void register_event(py::module_& m);
void register_files(py::module_& m);
void register_document(py::module_& m);
void register_corpus(py::module_& m);
void register_label_set(py::module_& m);
void register_hierarchy(py::module_& m);
void register_tokenizer(py::module_& m);
void register_encoder(py::module_& m);
void register_encode_to_file(py::module_& m);
void register_label_index(py::module_& m);
void register_label_refinement(py::module_& m);
void register_ranked_lists(py::module_& m);
void register_bm25_index(py::module_& m);
void register_metrics(py::module_& m);
void register_calibration(py::module_& m);
void register_combination(py::module_& m);
void register_audit(py::module_& m);
void register_tagger(py::module_& m);
void register_verdict(py::module_& m);
void register_question(py::module_& m);
void register_prompt(py::module_& m);
void register_teacher_oracle(py::module_& m);
void register_callback_oracle(py::module_& m);
void register_recorded_oracle(py::module_& m);
void register_batch_file_oracle(py::module_& m);
void register_store_oracle(py::module_& m);
void register_http_oracle(py::module_& m);
void register_scripted_oracle(py::module_& m);
void register_judgment_store(py::module_& m);
void register_judgment_rows(py::module_& m);
void register_store_reports(py::module_& m);
void register_asking(py::module_& m);
void register_budget(py::module_& m);
void register_trainer_options(py::module_& m);
void register_report(py::module_& m);
void register_curriculum_trainer(py::module_& m);

}  // namespace lmtx::python
