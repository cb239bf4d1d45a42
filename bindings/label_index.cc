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
const CardOptions card_defaults;

LabelIndex build(const py::object& rows, const std::optional<std::vector<int64_t>>& owners, bool normalize, const std::string& method) {
  const at::Tensor tensor = float_tensor(rows, "rows");
  const LabelIndexOptions options{.normalize = normalize, .method = method};
  py::gil_scoped_release release;
  return owners ? LabelIndex::build(tensor, *owners, options) : LabelIndex::build(tensor, options);
}

// Whether a search takes a fraction of a second on any machine, by the number of its products.
bool is_brief(const LabelIndex& index, const at::Tensor& queries) {
  constexpr double most_products = 2e9;
  return queries.dim() == 2 && static_cast<double>(queries.size(0)) * static_cast<double>(index.num_rows()) * static_cast<double>(index.dim()) <= most_products;
}

LabelMatches search(const LabelIndex& index, const py::object& queries, int64_t k, std::vector<int64_t> allow, std::vector<int64_t> deny, const py::object& on_event) {
  const at::Tensor tensor = float_tensor_anywhere(queries, "queries");
  const LabelFilter filter{.allow = std::move(allow), .deny = std::move(deny)};
  const auto work = [&](const EventCallback& event, std::stop_token stop) { return index.search(tensor, k, filter, event, stop); };
  return is_brief(index, tensor) ? run_brief(on_event, work) : run_long(on_event, work);
}

LabelIndex with_added(const LabelIndex& index, const py::object& rows, const std::vector<int64_t>& owners) {
  const at::Tensor tensor = float_tensor(rows, "rows");
  py::gil_scoped_release release;
  return index.with_added(tensor, owners);
}

LabelIndex to(const LabelIndex& index, const std::string& device, int64_t memory_limit) { return index.to(device, {.memory_limit = memory_limit}); }

LabelIndex with_removed(const LabelIndex& index, const std::vector<int64_t>& labels) { return index.with_removed(labels); }

LabelIndex with_bias(const LabelIndex& index, const std::vector<int64_t>& labels, const std::vector<float>& biases) { return index.with_bias(labels, biases); }

std::string to_string(const LabelIndex& index) {
  return "LabelIndex(" + with_commas(index.num_labels()) + " labels, " + with_commas(index.num_rows()) + " rows, dim=" + std::to_string(index.dim()) + ", " +
         index.options().method + (index.device() == "cpu" ? "" : ", " + index.device()) + ")";
}

std::string to_string(const LabelMatches& matches) {
  return "LabelMatches(" + with_commas(matches.labels.size(0)) + " queries, k=" + std::to_string(matches.labels.size(1)) + ")";
}

}  // namespace

void register_label_index(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<LabelMatches>(m, "LabelMatches", R"(What a search found.

Example:
    >>> index = lmtx.LabelIndex.build(np.eye(3, dtype=np.float32))
    >>> matches = index.search(np.array([[0, 0.8, 0.6]], dtype=np.float32), 2)
    >>> matches
    LabelMatches(1 queries, k=2)
    >>> matches.labels.tolist(), matches.scores.round(2).tolist()
    ([[1, 2]], [[0.800000011920929, 0.6000000238418579]]))")
      .def_property_readonly("labels", [](const LabelMatches& matches) { return to_numpy_or_torch(matches.labels); },
                             "int64 [num_queries, k]: label numbers, best first; -1 where fewer than k match. A torch tensor where the queries\nwere one on a card; scores, too.")
      .def_property_readonly("scores", [](const LabelMatches& matches) { return to_numpy_or_torch(matches.scores); },
                             "float32 [num_queries, k]: score plus bias; -inf where labels is -1.")
      .def("__repr__", py::overload_cast<const LabelMatches&>(&to_string));
  py::class_<LabelIndex>(m, "LabelIndex",
                         R"(The labels of a task, searchable by embedding.

Rows belong to label numbers; of several rows of a label the best counts. Immutable: the with_* methods give new values that share the rows. May be used from
several threads, also at once.

Example:
    >>> index = lmtx.LabelIndex.build(np.eye(3, dtype=np.float32))
    >>> index
    LabelIndex(3 labels, 3 rows, dim=3, exact)
    >>> index.with_removed([1]).search(np.array([[0, 0.8, 0.6]], dtype=np.float32), 3).labels
    array([[ 2,  0, -1]]))")
      .def_static("build", &build, py::arg("rows"), py::arg("owners") = py::none(), py::kw_only(), py::arg("normalize") = defaults.normalize,
                  py::arg("method") = defaults.method,
                  R"(An index of rows, which are copied.

Args:
    rows: float32 [num_rows, dim]: a NumPy array or a tensor.
    owners: For each row the number of the label that it belongs to, from 0; None: row i belongs to label i.
    normalize: Scale rows to unit length, so that scores are cosines (queries are never scaled; rows of zeros stay zero).
    method: "exact", or "hnsw" (approximate; builds with FAISS).

Raises:
    ValueError: For another dtype or shape, a negative owner, a row that is not finite, or an unknown method.
    TypeError: For rows that are no array.

Example:
    >>> rows = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    >>> lmtx.LabelIndex.build(rows, [0, 1, 1])
    LabelIndex(2 labels, 3 rows, dim=2, exact))")
      .def("search", &search, py::arg("queries"), py::arg("k"), py::kw_only(), py::arg("allow") = std::vector<int64_t>{}, py::arg("deny") = std::vector<int64_t>{},
           py::arg("on_event") = py::none(),
           R"(The k best labels for each query, best first; equal scores by label number. Ctrl-C ends it within a second.

Args:
    queries: float32 [num_queries, dim]; also a torch tensor on a card.
    k: Labels a query.
    allow: Label numbers that may be found; empty: all.
    deny: Label numbers that may not.
    on_event: Called with an Event after each block.

Returns:
    LabelMatches: int64 labels and float32 scores, both [num_queries, k].

Raises:
    ValueError: For another dtype or shape, k below 1, or a query that is not finite.
    RuntimeError: Where a card has too little memory.

Example:
    >>> queries = np.array([[0.5, 0.75, 0.25]], dtype=np.float32)
    >>> matches = lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).search(queries, 2, deny=[0])
    >>> matches.labels, matches.scores
    (array([[1, 2]]), array([[0.75, 0.25]], dtype=float32)))")
      .def("with_added", &with_added, py::arg("rows"), py::arg("owners"),
           R"(With more rows, float32 [num_rows, dim], of which row i belongs to label owners[i]; rows of a removed label bring it back with those rows only.

Raises:
    ValueError: As for build().

Example:
    >>> lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).with_added(np.ones((1, 3), dtype=np.float32), [3])
    LabelIndex(4 labels, 4 rows, dim=3, exact))")
      .def("with_removed", &with_removed, py::arg("labels"), release(), R"(Without these labels. IndexError for a label number that has no rows.

Example:
    >>> lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).with_removed([1])
    LabelIndex(2 labels, 3 rows, dim=3, exact))")
      .def("with_bias", &with_bias, py::arg("labels"), py::arg("biases"), release(),

           R"(With biases[i] added to every score of labels[i], instead of a bias that it had. ValueError
for one that is not finite, IndexError for a label without rows.

Example:
    >>> queries = np.array([[0.5, 0.75, 0.25]], dtype=np.float32)
    >>> lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).with_bias([2], [1.0]).search(queries, 3).labels
    array([[2, 1, 0]]))")
      .def("compact", &LabelIndex::compact, release(), R"(In one segment, without the rows of removed labels: as fast and small as if built anew.

Example:
    >>> lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).with_removed([1]).compact()
    LabelIndex(2 labels, 2 rows, dim=3, exact))")
      .def("to", &to, py::arg("device"), py::kw_only(), py::arg("memory_limit") = card_defaults.memory_limit, release(),
           R"(The same index, searched on a device. A card finds the same labels and scores as exact search on the CPU, bit for bit, whatever the method.

The rows are copied to a card, and stay in main memory, too. Indexes that are made from the result stay there and share the copies.

Args:
    device: "cpu", "cuda" (the first card) or "cuda:N".
    memory_limit: Bytes of the card's memory that rows may take, 7 bytes a number and 12 a row; those that do not fit are copied there block by block in every
        search. 0: what is free, but for a reserve.

Raises:
    ValueError: For another name, and for a card where LMTX was built without CUDA.
    RuntimeError: Where there is no such card.

Example:
    >>> lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).to('cpu').device
    'cpu')")
      .def("save", &LabelIndex::save, py::arg("folder"), release(),
           R"(Writes a folder, whole or not at all; segments that are there already stay. RuntimeError naming the path that could not be written.

Example:
    >>> lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).save('index')
    >>> lmtx.LabelIndex.load('index').num_labels
    3)")
      .def_static("load", &LabelIndex::load, py::arg("folder"), release(),
           R"(Opens a saved index. RuntimeError naming the file that is missing, damaged, cut off or of a newer format.

Example:
    >>> lmtx.LabelIndex.build(np.eye(3, dtype=np.float32)).save('saved-index')
    >>> lmtx.LabelIndex.load('saved-index')
    LabelIndex(3 labels, 3 rows, dim=3, exact))")
      .def_property_readonly("dim", &LabelIndex::dim, "int: numbers a row.")
      .def_property_readonly("num_labels", &LabelIndex::num_labels, "int: labels that can be found; also len().")
      .def_property_readonly("num_rows", &LabelIndex::num_rows, "int: rows kept, those of removed labels included.")
      .def_property_readonly("num_segments", &LabelIndex::num_segments,
           "int: parts that are searched one after the other; each with_added() makes one, compact() merges them.")
      .def_property_readonly("normalize", [](const LabelIndex& index) { return index.options().normalize; }, "bool: whether rows were scaled to unit length.")
      .def_property_readonly("method", [](const LabelIndex& index) { return index.options().method; }, "str: \"exact\" or \"hnsw\".")
      .def_property_readonly("device", &LabelIndex::device, "str: \"cpu\" or \"cuda:N\", where it is searched.")
      .def("__len__", &LabelIndex::num_labels)
      .def("__repr__", py::overload_cast<const LabelIndex&>(&to_string));
}

}  // namespace lmtx::python
