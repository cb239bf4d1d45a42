#include "tensor.h"

#include <ATen/DLConvertor.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace lmtx::python {
namespace {

// Tensors know no negative steps and none that are no multiple of an item.
bool fits_a_tensor(const py::array& array) {
  for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
    if (array.strides(axis) < 0 || array.strides(axis) % array.itemsize() != 0) return false;
  }
  return true;
}

py::dtype numpy_dtype(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat: return py::dtype::of<float>();
    case at::kDouble: return py::dtype::of<double>();
    case at::kLong: return py::dtype::of<int64_t>();
    case at::kInt: return py::dtype::of<int32_t>();
    case at::kBool: return py::dtype::of<bool>();
    default: throw std::logic_error("a tensor of this dtype has no NumPy array in the bindings; this is a bug in LMTX");
  }
}

}  // namespace

at::Tensor float_tensor(const py::object& object, const std::string& name) {
  py::array array = py::array::ensure(object);
  if (!array) {
    PyErr_Clear();
    throw py::type_error("`" + name + "` must be a float32 array, but is of type " + std::string(py::str(py::type::of(object).attr("__name__"))) + " instead.");
  }
  if (!py::isinstance<py::array_t<float>>(array)) {
    throw py::value_error("`" + name + "` must be a float32 array, but has dtype " + std::string(py::str(array.dtype())) + " instead; use .astype(np.float32).");
  }
  if (!fits_a_tensor(array)) array = py::array_t<float, py::array::c_style | py::array::forcecast>::ensure(array);
  std::vector<int64_t> sizes(array.shape(), array.shape() + array.ndim()), strides(array.strides(), array.strides() + array.ndim());
  for (int64_t& stride : strides) stride /= array.itemsize();
  void* data = const_cast<void*>(array.data());
  PyObject* owner = array.release().ptr();
  const auto release = [owner](void*) {
    py::gil_scoped_acquire acquire;
    Py_DECREF(owner);
  };
  return at::from_blob(data, sizes, strides, release, at::TensorOptions().dtype(at::kFloat));
}

at::Tensor float_tensor_anywhere(const py::object& object, const std::string& name) {
  if (!py::hasattr(object, "is_cuda") || !object.attr("is_cuda").cast<bool>()) return float_tensor(object, name);
  const py::object capsule = py::module_::import("torch.utils.dlpack").attr("to_dlpack")(object.attr("detach")());
  auto* tensor = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (tensor == nullptr) throw py::error_already_set();
  // From now on the tensor is not the capsule's.
  if (PyCapsule_SetName(capsule.ptr(), "used_dltensor") != 0) throw py::error_already_set();
  return at::fromDLPack(tensor);
}

py::array to_numpy(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  auto* owner = new at::Tensor(dense);
  const py::capsule base(owner, [](void* pointer) { delete static_cast<at::Tensor*>(pointer); });
  return py::array(numpy_dtype(dense), std::vector<py::ssize_t>(dense.sizes().begin(), dense.sizes().end()), dense.data_ptr(), base);
}

py::object to_torch(const at::Tensor& tensor) { return py::module_::import("torch").attr("from_numpy")(to_numpy(tensor)); }

py::object to_numpy_or_torch(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return to_numpy(tensor);
  const py::capsule capsule(at::toDLPack(tensor), "dltensor");
  return py::module_::import("torch.utils.dlpack").attr("from_dlpack")(capsule);
}

}  // namespace lmtx::python
