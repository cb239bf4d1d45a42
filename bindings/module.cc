// The module lmtx._core: names and types for Python, no algorithm.
#include "lmtx/version.h"
#include "register.h"

namespace lmtx::python {

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ library LMTX as Python sees it. Import `lmtx` instead: it loads torch's libraries first.";
  m.def("version", &version, R"(The version of LMTX.

Example:
    >>> lmtx.version() == lmtx.__version__
    True)");
  m.def("built_with_torch", &built_with_torch, R"(The version of torch that LMTX was built with, such as '2.13.0+cpu'; `import lmtx` refuses another.

Example:
    >>> import torch
    >>> lmtx.built_with_torch().split('+')[0] == torch.__version__.split('+')[0]
    True)");

  register_errors(m);
  register_event(m);
  register_files(m);
  register_document(m);
  register_corpus(m);
  register_label_set(m);
  register_hierarchy(m);
  register_tokenizer(m);
  register_encoder(m);
  register_encode_to_file(m);
  register_label_index(m);
  register_label_refinement(m);
  register_ranked_lists(m);
  register_bm25_index(m);
  register_metrics(m);
  register_calibration(m);
  register_combination(m);
  register_audit(m);
  register_tagger(m);
  register_verdict(m);
  register_question(m);
  register_prompt(m);
  register_teacher_oracle(m);
  register_callback_oracle(m);
  register_recorded_oracle(m);
  register_http_oracle(m);
  register_scripted_oracle(m);
  register_batch_file_oracle(m);
  register_store_oracle(m);
  register_store_reports(m);
  register_judgment_store(m);
  register_judgment_rows(m);
  register_asking(m);
  register_budget(m);
  register_trainer_options(m);
  register_report(m);
  register_curriculum_trainer(m);
}

}  // namespace lmtx::python
