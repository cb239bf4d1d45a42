#include "document.h"

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

std::string text_of(const py::dict& dict, const char* key) {
  if (!dict.contains(key)) return {};
  const py::object value = dict[key];
  if (value.is_none()) return {};
  if (!PyUnicode_Check(value.ptr())) {
    throw py::type_error("the document's `" + std::string(key) + "` must be a str, but is of type " + std::string(py::str(py::type::of(value).attr("__name__"))) +
                         " instead.");
  }
  return to_utf8(value);
}

Document make_document(Text uid, Text title, Text content) { return {std::move(uid.utf8), std::move(title.utf8), std::move(content.utf8)}; }

}  // namespace

Document document_from_dict(const py::dict& dict) {
  if (!dict.contains("title") && !dict.contains("content")) throw py::value_error("a document needs a `title` or a `content`, but has neither.");
  return {text_of(dict, "uid"), text_of(dict, "title"), text_of(dict, "content")};
}

void register_document(py::module_& m) {
  py::class_<Document>(m, "Document", "A document to be tagged. Immutable.")
      .def(py::init(&make_document), py::arg("uid") = Text{}, py::kw_only(), py::arg("title") = Text{}, py::arg("content") = Text{})
      .def(py::init(&document_from_dict), py::arg("fields"))
      .def_readonly("uid", &Document::uid, "Unique within its corpus.")
      .def_readonly("title", &Document::title)
      .def_readonly("content", &Document::content)
      .def_property_readonly(
          "text", [](const Document& document) { return document_text(document); }, "Title, tab, content; a missing part brings no tab.")
      .def("__repr__", [](const Document& document) {
        return py::str("Document(uid={!r}, title={!r}, content of {} bytes)").format(document.uid, document.title, with_commas(document.content.size()));
      });
  py::implicitly_convertible<py::dict, Document>();
}

}  // namespace lmtx::python
