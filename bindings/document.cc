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
  py::class_<Document>(m, "Document", R"(A document to be tagged. Immutable.

Example:
    >>> document = lmtx.Document('7', title='Stains', content='Red wine on a wool carpet')
    >>> document.text
    'Stains\tRed wine on a wool carpet'
    >>> document
    Document(uid='7', title='Stains', content of 25 bytes))")
      .def(py::init(&make_document), py::arg("uid") = Text{}, py::kw_only(), py::arg("title") = Text{}, py::arg("content") = Text{},
           "A document of these parts, each a str.")
      .def(py::init(&document_from_dict), py::arg("fields"),
           "A document out of a dict with `uid`, `title` and `content`; other keys are ignored. ValueError without title and content, TypeError for one that "
           "is no str.")
      .def_readonly("uid", &Document::uid, "str, unique within its corpus.")
      .def_readonly("title", &Document::title, "str; \"\" where there is none.")
      .def_readonly("content", &Document::content, "str; \"\" where there is none.")
      .def_property_readonly(
          "text", [](const Document& document) { return document_text(document); },
              "str: title, tab, content; a missing part brings no tab. What encoders and teachers see.")
      .def("__repr__", [](const Document& document) {
        return py::str("Document(uid={!r}, title={!r}, content of {} bytes)").format(document.uid, document.title, with_commas(document.content.size()));
      });
  py::implicitly_convertible<py::dict, Document>();
}

}  // namespace lmtx::python
