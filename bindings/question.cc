#include "question.h"

#include <pybind11/stl.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

OwnedQuestion part(const OwnedQuestion& question, const std::vector<size_t>& positions) {
  OwnedQuestion result{question.document, {}};
  for (const size_t position : positions) result.labels.push_back(question.labels.at(position));
  return result;
}

}  // namespace

OwnedQuestion own(const Question& question) {
  OwnedQuestion result{{std::string(question.uid), std::string(question.title), std::string(question.content)}, {}};
  result.labels.reserve(question.labels.size());
  for (const LabelToJudge& label : question.labels) {
    result.labels.push_back(
        {.uid = std::string(label.uid), .name = std::string(label.name), .description = std::string(label.description), .other_names = {}, .broader = {}});
  }
  return result;
}

QuestionView::QuestionView(const OwnedQuestion& question) {
  labels_.reserve(question.labels.size());
  for (const Label& label : question.labels) labels_.push_back({.uid = label.uid, .name = label.name, .description = label.description});
  question_ = {.uid = question.document.uid, .title = question.document.title, .content = question.document.content, .labels = labels_};
}

void register_question(py::module_& m) {
  py::class_<OwnedQuestion>(m, "Question", R"(One document and the labels to be judged for it, in order. Immutable. What a TeacherOracle's judge() gets.

Example:
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> question
    Question(document '7', 2 labels)
    >>> [label.name for label in question.part([1]).labels]
    ['army'])")
      .def(py::init([](Document document, std::vector<Label> labels) { return OwnedQuestion{std::move(document), std::move(labels)}; }), py::arg("document"),
           py::arg("labels"), "A question, such as JudgmentStore takes it.")
      .def_readonly("document", &OwnedQuestion::document, "Document: uid, title and content.")
      .def_readonly("labels", &OwnedQuestion::labels, "list[Label]: with uid, name and description.")
      .def_property_readonly("uid", [](const OwnedQuestion& question) { return question.document.uid; }, "str: the uid of the document.")
      .def_property_readonly("text", [](const OwnedQuestion& question) { return document_text(question.document); }, "str: the document's title, tab, content.")
      .def("part", &part, py::arg("positions"),
           R"(The same document with the labels at these positions, to be answered apart from the others. IndexError for a position that is none.

Example:
    >>> question = lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> question.part([1])
    Question(document '7', 1 labels))")
      .def("__len__", [](const OwnedQuestion& question) { return question.labels.size(); })
      .def("__repr__", [](const OwnedQuestion& question) {
        return py::str("Question(document {!r}, {} labels)").format(question.document.uid, question.labels.size());
      });
}

}  // namespace lmtx::python
