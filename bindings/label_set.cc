#include "lmtx/corpus/label_set.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

Label make_label(Text uid, Text name, Text description, std::vector<Text> other_names, std::vector<Text> broader) {
  return {std::move(uid.utf8), std::move(name.utf8), std::move(description.utf8), strings(std::move(other_names)), strings(std::move(broader))};
}

std::vector<std::string> names(const LabelSet& labels) {
  std::vector<std::string> result;
  for (const Label& label : labels.labels()) result.push_back(label.name);
  return result;
}

}  // namespace

void register_label_set(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<Label>(m, "Label", "What documents are tagged with. Immutable.")
      .def(py::init(&make_label), py::arg("uid"), py::arg("name"), py::kw_only(), py::arg("description") = Text{}, py::arg("other_names") = std::vector<Text>{},
           py::arg("broader") = std::vector<Text>{})
      .def_readonly("uid", &Label::uid, "Unique within its LabelSet.")
      .def_readonly("name", &Label::name)
      .def_readonly("description", &Label::description)
      .def_readonly("other_names", &Label::other_names)
      .def_readonly("broader", &Label::broader, "Uids of broader labels.")
      .def("__repr__", [](const Label& label) { return py::str("Label(uid={!r}, name={!r})").format(label.uid, label.name); });
  py::class_<LabelSet>(m, "LabelSet", "The labels of a task; a label's number is its place. Immutable.")
      .def(py::init<std::vector<Label>>(), py::arg("labels"))
      .def_static("open", &LabelSet::open, py::arg("file"), release(),
                  "Labels of a file of JSON lines (.gz or plain): {\"uid\", \"title\", \"description\"?, \"alternatives\"?, \"broader\"?}.")
      .def("save", &LabelSet::save, py::arg("file"), release(), "Writes such a file, whole or not at all.")
      .def("find", [](const LabelSet& labels, const Text& uid) { return labels.find(uid.utf8); }, py::arg("uid"),
           "The number of the label with this uid; None where there is none.")
      .def_property_readonly("names", &names, "The names of all labels, in order.")
      .def("__len__", &LabelSet::size)
      .def("__getitem__", &LabelSet::operator[], py::arg("number"), py::return_value_policy::copy)
      .def("__iter__", [](const LabelSet& labels) { return py::make_iterator<py::return_value_policy::copy>(labels.labels().begin(), labels.labels().end()); },
           py::keep_alive<0, 1>())
      .def("fingerprint", &LabelSet::fingerprint, release(), "32 hexadecimal digits that depend on every field of every label, in order.")
      .def("__repr__", [](const LabelSet& labels) { return "LabelSet(" + with_commas(labels.size()) + " labels)"; });
}

}  // namespace lmtx::python
