#include "lmtx/corpus/label_set.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

Label make_label(Text uid, Text name, Text description, std::vector<Text> other_names, std::vector<Text> broader, std::vector<Text> groups) {
  return {std::move(uid.utf8), std::move(name.utf8), std::move(description.utf8), strings(std::move(other_names)), strings(std::move(broader)),
          strings(std::move(groups))};
}

std::vector<std::string> names(const LabelSet& labels) {
  std::vector<std::string> result;
  for (const Label& label : labels) result.push_back(label.name);
  return result;
}

std::vector<int64_t> numbers(const LabelSet& labels) {
  std::vector<int64_t> result;
  for (auto label = labels.begin(); label != labels.end(); ++label) result.push_back(label.number());
  return result;
}

// Over a copy, as the labels of a tagger may change meanwhile.
auto iterate(const LabelSet& labels) {
  const py::object copy = py::cast(LabelSet(labels));
  const auto& set = copy.cast<const LabelSet&>();
  auto iterator = py::make_iterator<py::return_value_policy::copy>(set.begin(), set.end());
  py::detail::keep_alive_impl(iterator, copy);
  return iterator;
}

// A copy likewise.
void save(LabelSet labels, const std::filesystem::path& file) {
  const py::gil_scoped_release release;
  labels.save(file);
}

std::string fingerprint(LabelSet labels) {
  const py::gil_scoped_release release;
  return labels.fingerprint();
}

}  // namespace

void register_label_set(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<Label>(m, "Label", R"(What documents are tagged with. Immutable.

Example:
    >>> lmtx.Label('l-tax', 'tax', description='Income tax and others')
    Label(uid='l-tax', name='tax'))")
      .def(py::init(&make_label), py::arg("uid"), py::arg("name"), py::kw_only(), py::arg("description") = Text{}, py::arg("other_names") = std::vector<Text>{},
           py::arg("broader") = std::vector<Text>{}, py::arg("groups") = std::vector<Text>{},
           R"(A label.

Args:
    uid: Unique within its LabelSet.
    name: What encoders and teachers see.
    description: What teachers see, too.
    other_names: Further names.
    broader: Uids of broader labels.
    groups: Names of the groups that it is in.)")
      .def_readonly("uid", &Label::uid, "str, unique within its LabelSet.")
      .def_readonly("name", &Label::name, "str: what encoders and teachers see.")
      .def_readonly("description", &Label::description, "str: what teachers see, too; \"\" where there is none.")
      .def_readonly("other_names", &Label::other_names, "list[str]: further names.")
      .def_readonly("broader", &Label::broader, "list[str]: uids of broader labels.")
      .def_readonly("groups", &Label::groups, "list[str]: names of the groups that it is in.")
      .def("__repr__", [](const Label& label) { return py::str("Label(uid={!r}, name={!r})").format(label.uid, label.name); });
  py::class_<LabelSet>(m, "LabelSet", R"(The labels of a task; a label's number is its place. Immutable; may be used from several threads.

Labels that were removed from a tagger keep their numbers, but are neither found nor counted, and iteration passes over them.

Example:
    >>> labels = lmtx.LabelSet([lmtx.Label('l-tax', 'tax'), lmtx.Label('l-army', 'army')])
    >>> labels
    LabelSet(2 labels)
    >>> labels[1], labels.find('l-army')
    (Label(uid='l-army', name='army'), 1))")
      .def(py::init<std::vector<Label>>(), py::arg("labels"),
           "The labels in this order. ValueError, naming both positions, for an empty name or uid, or a uid that occurs twice.")
      .def_static("open", &LabelSet::open, py::arg("file"), release(),
                  R"(The labels of a file of JSON lines (.gz or plain): {"uid", "title", "description"?, "alternatives"?, "broader"?, "groups"?, "removed"?}.

Raises:
    RuntimeError: Naming file and line for what is no label, and both lines for a uid that occurs twice.

Example:
    >>> lmtx.LabelSet.open('labels.jsonl').names[:3]
    ['tax', 'health', 'army'])")
      .def("save", &save, py::arg("file"),
           R"(Writes such a file, whole or not at all. RuntimeError naming the path that could not be written.

Example:
    >>> lmtx.LabelSet([lmtx.Label('l-tax', 'tax')]).save('one-label.jsonl')
    >>> lmtx.LabelSet.open('one-label.jsonl')
    LabelSet(1 labels))")
      .def("find", [](const LabelSet& labels, const Text& uid) { return labels.find(uid.utf8); }, py::arg("uid"),
           R"(int: the number of the label with this uid; None where there is none.

Example:
    >>> labels = lmtx.LabelSet.open('labels.jsonl')
    >>> labels.find('l-army'), labels.find('l-navy')
    (2, None))")
      .def_property_readonly("names", &names, "list[str]: the names of all labels, in order.")
      .def_property_readonly("numbers", &numbers, "list[int]: the numbers of all labels, in order.")
      .def_property_readonly("next_number", &LabelSet::size, "int: the number that a label gets that is added; all numbers are smaller.")
      .def("__len__", &LabelSet::num_living)
      .def("__getitem__", &LabelSet::operator[], py::arg("number"), py::return_value_policy::copy,
           "The label of this number, from 0. IndexError where there is none, or it was removed.")
      .def("__iter__", &iterate)
      .def("fingerprint", &fingerprint, R"(32 hexadecimal digits that depend on every field of every label, in order, and on nothing else.

Example:
    >>> labels = lmtx.LabelSet.open('labels.jsonl')
    >>> lmtx.LabelSet(list(labels)).fingerprint() == labels.fingerprint()
    True)")
      .def("__repr__", [](const LabelSet& labels) { return "LabelSet(" + with_commas(labels.num_living()) + " labels)"; });
}

}  // namespace lmtx::python
