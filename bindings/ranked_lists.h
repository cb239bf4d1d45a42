// Rankings out of Python's hands.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "lmtx/search/ranked_lists.h"

namespace lmtx::python {

namespace py = pybind11;

// Copies of what `rankings` holds: RankedLists, LabelMatches, a tuple (labels, scores), or labels alone, which need not have scores then (they become 0).
// Labels and scores are lists of lists or arrays [n, k]; the filling of LabelMatches (-1) is left out. Throws TypeError and ValueError, speaking of `name`.
RankedLists ranked_lists(const py::handle& rankings, bool need_scores, const std::string& name);

}  // namespace lmtx::python
