// Verdicts out of Python's hands.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "lmtx/teacher/verdict.h"
#include "question.h"

namespace lmtx::python {

// A Verdict, a score in [0, 1], a boolean, or None (abstains). ValueError naming document and label for everything else.
Verdict to_verdict(pybind11::handle answer, const std::string& document_uid, const std::string& label_name);

// One verdict a label. ValueError naming the document for another number of answers.
std::vector<Verdict> to_verdicts(pybind11::handle answers, const OwnedQuestion& question);

}  // namespace lmtx::python
