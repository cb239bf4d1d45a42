// Label vectors refined by verdicts.
#include "lmtx/train/label_refinement.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/ones_like.h>
#include <pybind11/numpy.h>

#include "register.h"
#include "tensor.h"

namespace lmtx::python {
namespace {

const LabelRefinementOptions defaults;

template <typename T>
using Numbers = py::array_t<T, py::array::c_style | py::array::forcecast>;

template <typename T>
at::Tensor copied(const Numbers<T>& numbers, at::ScalarType dtype) {
  return at::from_blob(const_cast<T*>(numbers.data()), {static_cast<int64_t>(numbers.size())}, at::TensorOptions().dtype(dtype)).clone();
}

py::tuple refine(const py::object& documents, const py::object& labels, const Numbers<int64_t>& judged_documents, const Numbers<int64_t>& judged_labels,
                 const Numbers<float>& targets, const py::object& weights, double prototype_weight, double prototype_no_weight, double prototype_shrinkage,
                 int64_t label_residuals, double residual_penalty, bool label_bias) {
  const at::Tensor document_rows = float_tensor(documents, "documents"), label_rows = float_tensor(labels, "labels");
  JudgedPairs judged{
      .documents = copied(judged_documents, at::kLong), .labels = copied(judged_labels, at::kLong), .targets = copied(targets, at::kFloat), .weights = {}};
  judged.weights = weights.is_none() ? at::ones_like(judged.targets) : copied(weights.cast<Numbers<float>>(), at::kFloat);
  const LabelRefinementOptions options{.prototype_weight = prototype_weight,
                                       .prototype_no_weight = prototype_no_weight,
                                       .prototype_shrinkage = prototype_shrinkage,
                                       .residual_steps = label_residuals,
                                       .residual_penalty = residual_penalty,
                                       .bias = label_bias};
  const RefinedLabels refined = [&] {
    const py::gil_scoped_release release;
    return refine_labels(document_rows, label_rows, judged, options);
  }();
  return py::make_tuple(to_numpy(refined.vectors), to_numpy(refined.biases));
}

}  // namespace

void register_label_refinement(py::module_& m) {
  m.def("refine_labels", &refine, py::arg("documents"), py::arg("labels"), py::arg("judged_documents"), py::arg("judged_labels"), py::arg("targets"),
        py::arg("weights") = py::none(), py::kw_only(), py::arg("prototype_weight") = 0.7, py::arg("prototype_no_weight") = defaults.prototype_no_weight,
        py::arg("prototype_shrinkage") = defaults.prototype_shrinkage, py::arg("label_residuals") = defaults.residual_steps,
        py::arg("residual_penalty") = defaults.residual_penalty, py::arg("label_bias") = defaults.bias,
        R"(Label vectors moved by verdicts, without training the encoder.

Args:
    documents: Unit vectors of all documents, judged or not: float32 [num_documents, dim].
    labels: Unit vectors of the labels: float32 [num_labels, dim].
    judged_documents, judged_labels: Of each judged pair its rows in `documents` and `labels`: integers [num_pairs].
    targets: Of each the share of yes that its verdict is worth, from 0 to 1: [num_pairs].
    weights: How much each counts; None: 1.
    prototype_weight, prototype_no_weight, prototype_shrinkage, label_residuals, residual_penalty, label_bias: As the options of a run of these names.

Returns:
    The new vectors, float32 [num_labels, dim], unchanged for labels without a judged pair; and the biases to be added to cosines, float32 [num_labels], for
    `LabelIndex.with_bias`.

Raises:
    ValueError: For arrays that do not fit together, row numbers that are none, and targets outside 0 to 1.

Example:
    >>> documents = np.eye(3, dtype=np.float32)
    >>> labels = np.eye(3, dtype=np.float32)[[1, 2]]
    >>> vectors, biases = lmtx.refine_labels(documents, labels, [0], [0], [1.0])
    >>> (vectors[0] @ documents[0] > 0).item(), vectors[1].tolist(), biases.tolist()
    (True, [0.0, 0.0, 1.0], [0.0, 0.0]))");
}

}  // namespace lmtx::python
