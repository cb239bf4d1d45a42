// References to Python objects that C++ may drop on any thread.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

namespace lmtx::python {

// Takes the GIL to let go of `object`.
inline std::shared_ptr<pybind11::object> shared_reference(pybind11::object object) {
  return {new pybind11::object(std::move(object)), [](pybind11::object* reference) {
            pybind11::gil_scoped_acquire acquire;
            delete reference;
          }};
}

}  // namespace lmtx::python
