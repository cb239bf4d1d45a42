#include "lmtx/search/label_index.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "interrupts.h"
#include "register.h"
#include "tensor.h"
#include "text.h"

namespace lmtx::python {
namespace {

const LabelIndexOptions defaults;

LabelIndex build(const py::object& rows, const std::optional<std::vector<int64_t>>& owners, bool normalize, const std::string& method) {
  const at::Tensor tensor = float_tensor(rows, "rows");
  const LabelIndexOptions options{.normalize = normalize, .method = method};
  py::gil_scoped_release release;
  return owners ? LabelIndex::build(tensor, *owners, options) : LabelIndex::build(tensor, options);
}

LabelMatches search(const LabelIndex& index, const py::object& queries, int64_t k, std::vector<int64_t> allow, std::vector<int64_t> deny, const py::object& on_event) {
  const at::Tensor tensor = float_tensor(queries, "queries");
  const LabelFilter filter{.allow = std::move(allow), .deny = std::move(deny)};
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return index.search(tensor, k, filter, event, stop); });
}

LabelIndex with_added(const LabelIndex& index, const py::object& rows, const std::vector<int64_t>& owners) {
  const at::Tensor tensor = float_tensor(rows, "rows");
  py::gil_scoped_release release;
  return index.with_added(tensor, owners);
}

LabelIndex with_removed(const LabelIndex& index, const std::vector<int64_t>& labels) { return index.with_removed(labels); }

LabelIndex with_bias(const LabelIndex& index, const std::vector<int64_t>& labels, const std::vector<float>& biases) { return index.with_bias(labels, biases); }

std::string to_string(const LabelIndex& index) {
  return "LabelIndex(" + with_commas(index.num_labels()) + " labels, " + with_commas(index.num_rows()) + " rows, dim=" + std::to_string(index.dim()) + ", " +
         index.options().method + ")";
}

std::string to_string(const LabelMatches& matches) {
  return "LabelMatches(" + with_commas(matches.labels.size(0)) + " queries, k=" + std::to_string(matches.labels.size(1)) + ")";
}

}  // namespace

void register_label_index(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<LabelMatches>(m, "LabelMatches", "What a search found.")
      .def_property_readonly("labels", [](const LabelMatches& matches) { return to_numpy(matches.labels); },
                             "int64 [num_queries, k]: label numbers, best first; -1 where fewer than k match.")
      .def_property_readonly("scores", [](const LabelMatches& matches) { return to_numpy(matches.scores); },
                             "float32 [num_queries, k]: score plus bias; -inf where labels is -1.")
      .def("__repr__", py::overload_cast<const LabelMatches&>(&to_string));
  py::class_<LabelIndex>(m, "LabelIndex",
                         "The labels of a task, searchable by embedding. Rows belong to label numbers; of several rows of a label the best counts. Immutable: the "
                         "with_* methods give new values; may be used from several threads.")
      .def_static("build", &build, py::arg("rows"), py::arg("owners") = py::none(), py::kw_only(), py::arg("normalize") = defaults.normalize,
                  py::arg("method") = defaults.method,
                  "Row i of `rows`, float32 [num_rows, dim], belongs to label owners[i]; without `owners` to label i. Rows are copied.\n\n"
                  "Args:\n"
                  "    normalize: Scale rows to unit length, so that scores are cosines (queries are never scaled).\n"
                  "    method: \"exact\", or \"hnsw\" (approximate; builds with FAISS).")
      .def("search", &search, py::arg("queries"), py::arg("k"), py::kw_only(), py::arg("allow") = std::vector<int64_t>{}, py::arg("deny") = std::vector<int64_t>{},
           py::arg("on_event") = py::none(),
           "The k best labels for each row of `queries`, float32 [num_queries, dim]; equal scores by label number.\n\n"
           "Args:\n"
           "    allow: Label numbers that may be found; empty: all.\n"
           "    deny: Label numbers that may not.\n"
           "    on_event: Called with an Event after each block.")
      .def("with_added", &with_added, py::arg("rows"), py::arg("owners"), "With more rows; added rows of a removed label bring it back with those rows only.")
      .def("with_removed", &with_removed, py::arg("labels"), release(), "Without these labels.")
      .def("with_bias", &with_bias, py::arg("labels"), py::arg("biases"), release(), "With biases[i] added to every score of labels[i].")
      .def("compact", &LabelIndex::compact, release(), "In one segment, without the rows of removed labels.")
      .def("save", &LabelIndex::save, py::arg("folder"), release(), "Writes a folder, whole or not at all; segments that are there already stay.")
      .def_static("load", &LabelIndex::load, py::arg("folder"), release())
      .def_property_readonly("dim", &LabelIndex::dim)
      .def_property_readonly("num_labels", &LabelIndex::num_labels, "Labels that can be found.")
      .def_property_readonly("num_rows", &LabelIndex::num_rows, "Rows kept, those of removed labels included.")
      .def_property_readonly("num_segments", &LabelIndex::num_segments)
      .def_property_readonly("normalize", [](const LabelIndex& index) { return index.options().normalize; })
      .def_property_readonly("method", [](const LabelIndex& index) { return index.options().method; })
      .def("__len__", &LabelIndex::num_labels)
      .def("__repr__", py::overload_cast<const LabelIndex&>(&to_string));
}

}  // namespace lmtx::python
