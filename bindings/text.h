// Python's strings as UTF-8.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "lmtx/detail/with_commas.h"

namespace lmtx::python {

namespace py = pybind11;

// An argument that is a Python str, or an array without dimensions that holds one. Unlike std::string it takes every str: lone surrogates, which UTF-8
// cannot hold, become U+FFFD.
struct Text {
  std::string utf8;
};

// `string` must be a str.
std::string to_utf8(py::handle string);

// The str that `object` is or, as an array without dimensions, holds; null for anything else.
py::object find_str(py::handle object);

std::vector<std::string> strings(std::vector<Text> texts);

using lmtx::detail::with_commas;

}  // namespace lmtx::python

namespace pybind11::detail {

template <>
struct type_caster<lmtx::python::Text> {
  PYBIND11_TYPE_CASTER(lmtx::python::Text, const_name("str"));

  bool load(handle source, bool /*convert*/) {
    const object string = lmtx::python::find_str(source);
    if (string) value.utf8 = lmtx::python::to_utf8(string);
    return static_cast<bool>(string);
  }

  static handle cast(const lmtx::python::Text& text, return_value_policy /*policy*/, handle /*parent*/) { return str(text.utf8).release(); }
};

}  // namespace pybind11::detail
