// Lists of numbers as arguments and results.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace lmtx::python {

namespace py = pybind11;

// Anything that is an array of numbers, or can become one; None is NaN.
using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Integers = py::array_t<int64_t, py::array::c_style | py::array::forcecast>;

inline std::span<const double> view(const Numbers& numbers) { return {numbers.data(), static_cast<size_t>(numbers.size())}; }
inline std::span<const double> view(const std::optional<Numbers>& numbers) { return numbers ? view(*numbers) : std::span<const double>(); }
inline std::span<const int64_t> view(const std::optional<Integers>& numbers) {
  return numbers ? std::span<const int64_t>(numbers->data(), static_cast<size_t>(numbers->size())) : std::span<const int64_t>();
}

inline py::array_t<double> to_array(const std::vector<double>& values) { return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data()); }

}  // namespace lmtx::python
