// The labels of a tagger, and what changes them.
#pragma once

#include <pybind11/pybind11.h>

#include "lmtx/corpus/label_set.h"

namespace lmtx::python {

namespace py = pybind11;

// The labels as they were when it was made, or last changed something. Used with the GIL held.
struct TaggerLabels : LabelSet {
  TaggerLabels(const LabelSet& labels, py::object of) : LabelSet(labels), tagger(std::move(of)) {}
  // A Tagger.
  py::object tagger;
};

}  // namespace lmtx::python
