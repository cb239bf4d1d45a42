#include "lmtx/corpus/hierarchy.h"

#include <pybind11/stl.h>

#include "lmtx/corpus/label_set.h"
#include "register.h"

namespace lmtx::python {
namespace {

std::vector<int64_t> to_vector(std::span<const int64_t> numbers) { return {numbers.begin(), numbers.end()}; }

Hierarchy make_hierarchy(const LabelSet& labels, bool ignore_unknown, bool ignore_cycles) {
  const py::gil_scoped_release release;
  return Hierarchy(labels, {.ignore_unknown = ignore_unknown, .ignore_cycles = ignore_cycles});
}

}  // namespace

void register_hierarchy(py::module_& m) {
  const HierarchyOptions defaults;
  py::class_<Hierarchy>(m, "Hierarchy",
                        R"(Which labels are broader than which, out of `Label.broader`. Labels are numbers. Immutable; may be used from several threads.

Example:
    >>> labels = lmtx.LabelSet([lmtx.Label('art', 'art'), lmtx.Label('music', 'music', broader=['art']), lmtx.Label('jazz', 'jazz', broader=['music'])])
    >>> hierarchy = lmtx.Hierarchy(labels)
    >>> hierarchy.ancestors(2), hierarchy.descendants(0), hierarchy.depth(2)
    ([1, 0], [1, 2], 2))")
      .def(py::init(&make_hierarchy), py::arg("labels"), py::kw_only(), py::arg("ignore_unknown") = defaults.ignore_unknown,
           py::arg("ignore_cycles") = defaults.ignore_cycles, R"(The hierarchy of a label set.

Args:
    ignore_unknown: Pass over broader labels that are not in the set.
    ignore_cycles: Leave out the broader labels that lead back to where they came from.

Raises:
    ValueError: Naming the uids, for a broader label that is not there and for a circle.)")
      .def(
          "broader", [](const Hierarchy& self, int64_t label) { return to_vector(self.broader(label)); }, py::arg("label"),
          R"(list[int]: the labels directly above, by number. IndexError for a number that the set lacks.

Example:
    >>> lmtx.Hierarchy(lmtx.LabelSet([lmtx.Label('a', 'art'), lmtx.Label('m', 'music', broader=['a'])])).broader(1)
    [0])")
      .def(
          "narrower", [](const Hierarchy& self, int64_t label) { return to_vector(self.narrower(label)); }, py::arg("label"),
          R"(list[int]: the labels directly below, likewise.

Example:
    >>> lmtx.Hierarchy(lmtx.LabelSet([lmtx.Label('a', 'art'), lmtx.Label('m', 'music', broader=['a'])])).narrower(0)
    [1])")
      .def("ancestors", &Hierarchy::ancestors, py::arg("label"), R"(list[int]: all labels above, the nearest first, then by number.

Example:
    >>> lmtx.Hierarchy(lmtx.LabelSet([lmtx.Label('a', 'art'), lmtx.Label('m', 'music', broader=['a'])])).ancestors(1)
    [0])")
      .def("descendants", &Hierarchy::descendants, py::arg("label"), R"(list[int]: all labels below, the nearest first, then by number.

Example:
    >>> lmtx.Hierarchy(lmtx.LabelSet([lmtx.Label('a', 'art'), lmtx.Label('m', 'music', broader=['a'])])).descendants(0)
    [1])")
      .def("depth", &Hierarchy::depth, py::arg("label"), R"(int: steps up to the nearest label without a broader one.

Example:
    >>> lmtx.Hierarchy(lmtx.LabelSet([lmtx.Label('a', 'art'), lmtx.Label('m', 'music', broader=['a'])])).depth(1)
    1)")
      .def("__len__", &Hierarchy::size)
      .def("__repr__", [](const Hierarchy& self) { return "Hierarchy(" + std::to_string(self.size()) + " labels)"; });
}

}  // namespace lmtx::python
