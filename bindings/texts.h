// Many texts out of Python's hands, read where Python keeps them.
#pragma once

#include <pybind11/pybind11.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace lmtx::python {

namespace py = pybind11;

// The texts of anything that gives its items in order: a list, a tuple, a NumPy array, a pandas Series, a generator. Nothing of a str is copied: the views
// point into Python's own UTF-8, and the strs are kept alive. Made and destroyed with the GIL held; read without it.
class Texts {
 public:
  Texts() = default;
  Texts(Texts&&) = default;
  Texts& operator=(Texts&&) = default;

  // False for what has no items in order: a str, a mapping, a set. Throws TypeError naming the position of an item that is missing (None, NaN) or no text,
  // and for tables. With `with_documents` items may also be Documents or dicts, which become their text.
  bool load(py::handle source, bool with_documents);

  const std::vector<std::string_view>& views() const { return views_; }

 private:
  void add(py::handle item, bool with_documents);
  void add_str(py::handle item);
  void add_text(std::string text);

  std::vector<py::object> strs_;
  // Those that Python has no UTF-8 of. A deque, so that they stay where they are.
  std::deque<std::string> own_;
  std::vector<std::string_view> views_;
};

// The same with Documents and dicts among them.
struct TextsOrDocuments : Texts {};

}  // namespace lmtx::python

namespace pybind11::detail {

template <>
struct type_caster<lmtx::python::Texts> {
  PYBIND11_TYPE_CASTER(lmtx::python::Texts, const_name("collections.abc.Iterable[str]"));
  bool load(handle source, bool /*convert*/) { return value.load(source, /*with_documents=*/false); }
};

template <>
struct type_caster<lmtx::python::TextsOrDocuments> {
  PYBIND11_TYPE_CASTER(lmtx::python::TextsOrDocuments, const_name("collections.abc.Iterable[str | lmtx._core.Document | dict[str, str]]"));
  bool load(handle source, bool /*convert*/) { return value.load(source, /*with_documents=*/true); }
};

}  // namespace pybind11::detail
