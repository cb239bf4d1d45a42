// Documents out of Python's hands.
#pragma once

#include <pybind11/pybind11.h>

#include "lmtx/corpus/document.h"

namespace lmtx::python {

// {"uid"?, "title"?, "content"?}; other keys are ignored. ValueError without title and content, TypeError for a value that is no str.
Document document_from_dict(const pybind11::dict& dict);

}  // namespace lmtx::python
