#include "texts.h"

#include <pybind11/numpy.h>

#include <utility>

#include "document.h"
#include "text.h"

namespace lmtx::python {
namespace {

std::string type_name(py::handle object) { return py::str(py::type::of(object).attr("__name__")); }

// Iterating over a table gives the names of its columns.
bool is_table(py::handle source) { return py::hasattr(source, "columns") && py::hasattr(source, "dtypes"); }

bool has_ordered_items(py::handle source) {
  if (PyUnicode_Check(source.ptr()) || PyBytes_Check(source.ptr()) || PyByteArray_Check(source.ptr())) return false;
  if (PyAnySet_Check(source.ptr()) || PyDict_Check(source.ptr())) return false;
  return py::hasattr(source, "__iter__");
}

void check_dimensions(py::handle source) {
  if (!py::isinstance<py::array>(source)) return;
  const py::array array = py::reinterpret_borrow<py::array>(source);
  if (array.ndim() == 1) return;
  throw py::type_error("an array of texts must have one dimension, but has shape " + std::string(py::str(array.attr("shape"))) + " instead.");
}

// As pandas and NumPy mark a gap.
bool is_missing(py::handle item) {
  if (item.is_none()) return true;
  if (PyFloat_Check(item.ptr())) return PyFloat_AsDouble(item.ptr()) != PyFloat_AsDouble(item.ptr());
  const std::string type = type_name(item);
  return type == "NAType" || type == "NaTType";
}

}  // namespace

bool Texts::load(py::handle source, bool with_documents) {
  if (!has_ordered_items(source)) return false;
  if (is_table(source)) throw py::type_error("texts must be a list or one column of a table, but came as " + type_name(source) + ".");
  check_dimensions(source);
  const Py_ssize_t expected = PyObject_LengthHint(source.ptr(), 0);
  if (expected < 0) throw py::error_already_set();
  views_.reserve(static_cast<size_t>(expected));
  strs_.reserve(static_cast<size_t>(expected));
  for (const py::handle item : py::iter(source)) add(item, with_documents);
  return true;
}

void Texts::add(py::handle item, bool with_documents) {
  if (PyUnicode_Check(item.ptr())) return add_str(item);
  if (with_documents && py::isinstance<Document>(item)) return add_text(document_text(item.cast<const Document&>()));
  if (with_documents && PyDict_Check(item.ptr())) return add_text(document_text(document_from_dict(py::reinterpret_borrow<py::dict>(item))));
  const std::string place = "the text at position " + std::to_string(views_.size());
  if (is_missing(item)) throw py::type_error(place + " is missing (" + std::string(py::repr(item)) + "); leave it out, or put \"\" in its place.");
  throw py::type_error(place + " must be a str" + (with_documents ? ", a Document or a dict" : "") + ", but is of type " + type_name(item) + " instead.");
}

void Texts::add_str(py::handle item) {
  Py_ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(item.ptr(), &size);
  if (bytes == nullptr) {
    PyErr_Clear();
    return add_text(to_utf8(item));
  }
  strs_.push_back(py::reinterpret_borrow<py::object>(item));
  views_.emplace_back(bytes, static_cast<size_t>(size));
}

void Texts::add_text(std::string text) { views_.emplace_back(own_.emplace_back(std::move(text))); }

}  // namespace lmtx::python
