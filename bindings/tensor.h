// NumPy arrays and tensors, without the torch package of Python.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <ATen/core/Tensor.h>

#include <string>

namespace lmtx::python {

namespace py = pybind11;

// A float32 tensor that shares memory with `array` (anything np.asarray takes), and keeps it alive; only layouts that a tensor cannot have are copied.
// Throws ValueError naming the argument for another dtype: the conversion would copy, which callers should see in their own code.
at::Tensor float_tensor(const py::object& array, const std::string& name);

// The same, and a torch tensor on a card is taken as it is, in its dtype.
at::Tensor float_tensor_anywhere(const py::object& object, const std::string& name);

// An array that shares memory with a CPU tensor and keeps it alive.
py::array to_numpy(const at::Tensor& tensor);

// The same as a torch tensor; imports torch.
py::object to_torch(const at::Tensor& tensor);

// An array for a CPU tensor, a torch tensor for one on a card; shares its memory.
py::object to_numpy_or_torch(const at::Tensor& tensor);

}  // namespace lmtx::python
