// Stores as arguments: an open one, or a file.
#pragma once

#include <pybind11/pybind11.h>

#include "lmtx/teacher/shared_store.h"

namespace lmtx::python {

// A JudgmentStore, which then lives as long as what comes back; a path, which is opened when it is needed; or None, which is no store. TypeError for anything
// else. Needs the GIL.
SharedStore to_store(const pybind11::object& store);

}  // namespace lmtx::python
