#include "tagger_labels.h"

#include <pybind11/stl.h>

#include "interrupts.h"
#include "lmtx/near_duplicates.h"
#include "lmtx/search/label_index.h"
#include "lmtx/tagger.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

std::vector<Label> to_labels(const py::object& labels) { return py::module_::import("lmtx.inputs").attr("label_list")(labels).cast<std::vector<Label>>(); }

std::vector<std::string> to_uids(const py::object& uids) {
  if (find_str(uids)) return {to_utf8(find_str(uids))};
  return strings(uids.cast<std::vector<Text>>());
}

// Puts `make(tagger, event callback, stop token)` in the place of the tagger. Calls in other threads go on with the tagger that they began with; where another
// thread changed it meanwhile it is made again, of that one.
template <class Make>
void change(TaggerLabels& self, const py::object& on_event, const Make& make) {
  auto& tagger = self.tagger.cast<Tagger&>();
  for (bool done = false; !done;) {
    const Tagger before = tagger;
    Tagger after = run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return make(before, event, std::move(stop)); });
    done = tagger.is(before);
    if (!done) continue;
    tagger = std::move(after);
    static_cast<LabelSet&>(self) = tagger.labels();
  }
}

// The same for a label that is put in the place of one.
template <class Edit>
void change_label(TaggerLabels& self, const Text& uid, const Edit& edit) {
  change(self, py::none(), [&](const Tagger& tagger, const EventCallback& event, std::stop_token stop) {
    Label label = tagger.labels()[tagger.labels().number_of(uid.utf8)];
    edit(label);
    return tagger.with_labels_replaced(std::span(&label, 1), event, std::move(stop));
  });
}

std::vector<int64_t> add(TaggerLabels& self, const py::object& labels, const py::object& on_event) {
  const std::vector<Label> added = to_labels(labels);
  int64_t first = 0;
  change(self, on_event, [&](const Tagger& tagger, const EventCallback& event, std::stop_token stop) {
    first = tagger.labels().size();
    return tagger.with_labels_added(added, event, std::move(stop));
  });
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < added.size(); ++i) numbers.push_back(first + static_cast<int64_t>(i));
  return numbers;
}

void remove(TaggerLabels& self, const py::object& uids) {
  const std::vector<std::string> removed = to_uids(uids);
  change(self, py::none(), [&](const Tagger& tagger, const EventCallback&, std::stop_token) { return tagger.with_labels_removed(removed); });
}

void rename(TaggerLabels& self, const Text& uid, const Text& name, bool keep_name) {
  change_label(self, uid, [&](Label& label) {
    std::erase(label.other_names, name.utf8);
    if (keep_name && label.name != name.utf8) label.other_names.push_back(label.name);
    label.name = name.utf8;
  });
}

void describe(TaggerLabels& self, const Text& uid, const std::optional<Text>& description, const std::optional<std::vector<Text>>& other_names,
              const std::optional<std::vector<Text>>& broader, const std::optional<std::vector<Text>>& groups) {
  change_label(self, uid, [&](Label& label) {
    if (description) label.description = description->utf8;
    if (other_names) label.other_names = strings(*other_names);
    if (broader) label.broader = strings(*broader);
    if (groups) label.groups = strings(*groups);
  });
}

void merge(TaggerLabels& self, const Text& uid, const Text& into) {
  change(self, py::none(), [&](const Tagger& tagger, const EventCallback&, std::stop_token) { return tagger.with_label_merged(uid.utf8, into.utf8); });
}

void compact(TaggerLabels& self) {
  change(self, py::none(), [](const Tagger& tagger, const EventCallback&, std::stop_token) { return tagger.compact(); });
}

std::vector<NearDuplicate> near_duplicates(const TaggerLabels& self, double least_cosine, int64_t neighbors, bool by_names, const py::object& of,
                                           const py::object& on_event) {
  const Tagger tagger = self.tagger.cast<Tagger&>();
  const NearDuplicateOptions options{
      .least_cosine = least_cosine, .neighbors = neighbors, .by_names = by_names, .of = of.is_none() ? std::vector<std::string>() : to_uids(of)};
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return find_near_duplicates(tagger, options, event, std::move(stop)); });
}

void register_near_duplicate(py::module_& m) {
  py::class_<NearDuplicate>(m, "NearDuplicate", R"(Two labels that may mean the same. Immutable.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.labels.add({'uid': 'l-taxes', 'title': 'Taxes'})
    [12]
    >>> [(pair.first, pair.second, pair.shared_name) for pair in tagger.labels.near_duplicates(of='l-tax')]
    [(0, 12, 'tax')])")
      .def_readonly("first", &NearDuplicate::first, "int: a label's number.")
      .def_readonly("second", &NearDuplicate::second, "int: the other's, which is larger.")
      .def_readonly("cosine", &NearDuplicate::cosine, "float: the largest cosine of their vectors.")
      .def_readonly("shared_name", &NearDuplicate::shared_name, "str: the name that both have, as it is compared; \"\" where they have none.")
      .def("__repr__", [](const NearDuplicate& pair) {
        return py::str("NearDuplicate({}, {}, cosine={:.2f}, shared_name={!r})").format(pair.first, pair.second, pair.cosine, pair.shared_name);
      });
}

}  // namespace

void register_tagger_labels(py::module_& m) {
  register_near_duplicate(m);
  const NearDuplicateOptions near;
  py::class_<TaggerLabels, LabelSet>(m, "TaggerLabels", R"(The labels of a tagger: a LabelSet, and what changes it.

A change takes milliseconds: only texts that are new are embedded, and label numbers never change. It holds for the tagger from then on; calls that are under way in
other threads go on with the labels that they began with. Nothing is saved before `Tagger.save`. An object shows the labels as they were when it was taken, or last
changed something itself: take `tagger.labels` anew after changes from elsewhere.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.labels.add(['chess', {'uid': 'l-go', 'title': 'go'}])
    [12, 13]
    >>> tagger.labels.remove('l-go')
    >>> tagger.labels, tagger.labels.find('chess'), tagger.labels.find('l-go')
    (TaggerLabels(13 labels), 12, None))")
      .def("__repr__", [](const TaggerLabels& labels) { return "TaggerLabels(" + with_commas(labels.num_living()) + " labels)"; })
      .def("add", &add, py::arg("labels"), py::kw_only(), py::arg("on_event") = py::none(), R"(Adds labels, numbered on.

Args:
    labels: A name, a dict or a Label, or a list of these, as `lmtx.train` takes them.
    on_event: Called with an Event after each batch of texts that was embedded.

Returns:
    Their numbers.

Raises:
    ValueError: For a uid that is taken, and what is no label.

Example:
    >>> lmtx.Tagger.load('tagger').labels.add('chess')
    [12])")
      .def("remove", &remove, py::arg("uids"), R"(Removes labels; their numbers are not used again. What lay below one lies below its broader labels then.

Args:
    uids: One uid, or a list.

Raises:
    ValueError: For a uid that no label has.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.labels.remove(['l-tax', 'l-army'])
    >>> len(tagger.labels), tagger.labels.next_number
    (10, 12))")
      .def("rename", &rename, py::arg("uid"), py::arg("name"), py::kw_only(), py::arg("keep_name") = false, R"(Gives a label another name.

Its vector is that of the new name then: what training moved in it, and its bias, go.

Args:
    keep_name: Keep the name that it had as another name.

Raises:
    ValueError: For a uid that no label has, and an empty name.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.labels.rename('l-army', 'navy', keep_name=True)
    >>> label = tagger.labels[tagger.labels.find('l-army')]
    >>> label.name, label.other_names
    ('navy', ['army']))")
      .def("describe", &describe, py::arg("uid"), py::arg("description") = py::none(), py::kw_only(), py::arg("other_names") = py::none(),
           py::arg("broader") = py::none(), py::arg("groups") = py::none(),
           R"(Says what a label is. What is None stays; vectors change where TaggerSettings says that such texts have some.

Args:
    description: What teachers see, too.
    other_names: Further names.
    broader: Uids of broader labels.
    groups: Names of the groups that it is in.

Raises:
    ValueError: For a uid that no label has.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.labels.describe('l-tax', 'Money for the state', groups=['finance'])
    >>> tagger.labels[0].description, tagger.labels[0].groups
    ('Money for the state', ['finance']))")
      .def("merge", &merge, py::arg("uid"), py::arg("into"),
           R"(Removes a label whose names become other names of another; what lay below it lies below that then.

Raises:
    ValueError: For a uid that no label has, and a label and itself.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.labels.merge('l-army', into='l-tax')
    >>> tagger.labels[0].other_names
    ['army'])")
      .def("near_duplicates", &near_duplicates, py::kw_only(), py::arg("least_cosine") = near.least_cosine, py::arg("neighbors") = near.neighbors,
           py::arg("by_names") = near.by_names, py::arg("of") = py::none(), py::arg("on_event") = py::none(),
           R"(Labels that may mean the same, each pair once: a list of NearDuplicate by falling cosine.

Args:
    least_cosine: Two labels are near where two of their vectors have at least this cosine; above 1: only names count.
    neighbors: Nearest labels that are looked at for each vector.
    by_names: Two labels are near where two of their names are the same but for case, accents, spaces, hyphens and the like, and a plural's s.
    of: A uid, or a list, of labels whose near duplicates are sought; None: all labels, each compared with each.
    on_event: Called with an Event after each block of vectors.

Raises:
    ValueError: For a uid that no label has, and `neighbors` below 1.

Example:
    >>> lmtx.Tagger.load('tagger').labels.near_duplicates(least_cosine=0.999)
    [])")
      .def(
          "compact", &compact,
          R"(Puts the labels' vectors together: as fast and small as if made anew. Each change leaves a small part to be searched; after many it is worth its time.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> _ = [tagger.labels.add(name) for name in ('chess', 'go')]
    >>> tagger.index.num_segments
    3
    >>> tagger.labels.compact()
    >>> tagger.index.num_segments
    1)");
}

}  // namespace lmtx::python
