#include "text.h"

#include <pybind11/numpy.h>

namespace lmtx::python {
namespace {

// Surrogates (U+D800 to U+DFFF), encoded as three bytes, become U+FFFD, which has three as well.
void replace_surrogates(std::string& utf8) {
  for (size_t i = 0; i + 2 < utf8.size(); ++i) {
    if (static_cast<unsigned char>(utf8[i]) == 0xED && static_cast<unsigned char>(utf8[i + 1]) >= 0xA0) utf8.replace(i, 3, "\xEF\xBF\xBD");
  }
}

}  // namespace

std::string to_utf8(py::handle string) {
  Py_ssize_t size = 0;
  if (const char* bytes = PyUnicode_AsUTF8AndSize(string.ptr(), &size)) return {bytes, static_cast<size_t>(size)};
  PyErr_Clear();
  const auto encoded = py::reinterpret_steal<py::bytes>(PyUnicode_AsEncodedString(string.ptr(), "utf-8", "surrogatepass"));
  if (!encoded) throw py::error_already_set();
  std::string utf8 = encoded;
  replace_surrogates(utf8);
  return utf8;
}

py::object find_str(py::handle object) {
  if (PyUnicode_Check(object.ptr())) return py::reinterpret_borrow<py::object>(object);
  if (!py::isinstance<py::array>(object) || py::reinterpret_borrow<py::array>(object).ndim() != 0) return {};
  py::object item = object.attr("item")();
  return PyUnicode_Check(item.ptr()) ? item : py::object();
}

std::vector<std::string> strings(std::vector<Text> texts) {
  std::vector<std::string> result;
  result.reserve(texts.size());
  for (Text& text : texts) result.push_back(std::move(text.utf8));
  return result;
}

}  // namespace lmtx::python
