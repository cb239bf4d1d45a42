// What the tests of losses, optimizer and student training share: tensors out of JSON.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <string>
#include <vector>

#include "data.h"
#include "lmtx/detail/json.h"

namespace lmtx::test {

// float64, out of a flat list.
inline at::Tensor tensor_of(const detail::Json& list, at::IntArrayRef shape) {
  std::vector<double> values = list.get<std::vector<double>>();
  return at::from_blob(values.data(), shape, at::TensorOptions().dtype(at::kDouble)).clone();
}

// float64, out of a list of rows.
inline at::Tensor matrix_of(const detail::Json& rows) {
  detail::Json flat = detail::Json::array();
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return tensor_of(flat, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) { return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>(); }

}  // namespace lmtx::test
