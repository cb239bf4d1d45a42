#include "lmtx/search/bm25_index.h"

#include <pybind11/stl.h>

#include "interrupts.h"
#include "register.h"
#include "text.h"
#include "texts.h"

namespace lmtx::python {
namespace {

const Bm25Options defaults;

Bm25Index build(const Texts& texts, const std::optional<std::vector<int64_t>>& owners, double k1, double b, double k3, bool drop_stop_words,
                bool stem_plurals) {
  const Bm25Options options{.k1 = k1, .b = b, .k3 = k3, .drop_stop_words = drop_stop_words, .stem_plurals = stem_plurals};
  py::gil_scoped_release release;
  return owners ? Bm25Index::build(texts.views(), *owners, options) : Bm25Index::build(texts.views(), options);
}

RankedLists search(const Bm25Index& index, const TextsOrDocuments& queries, int64_t k, const py::object& on_event) {
  constexpr size_t most_brief = 16;
  const auto work = [&](const EventCallback& event, std::stop_token stop) { return index.search(queries.views(), k, event, stop); };
  return queries.views().size() <= most_brief ? run_brief(on_event, work) : run_long(on_event, work);
}

std::string to_string(const Bm25Index& index) {
  return "Bm25Index(" + with_commas(index.num_labels()) + " labels, " + with_commas(index.num_texts()) + " texts, " + with_commas(index.num_words()) +
         " words)";
}

}  // namespace

void register_bm25_index(py::module_& m) {
  py::class_<Bm25Index>(m, "Bm25Index", R"(The labels of a task, searchable by the words that their names share with a text: BM25.

Texts belong to label numbers; of several texts of a label the best counts. Immutable; may be used from several threads, also at once.

Example:
    >>> index = lmtx.Bm25Index.build(['public lands', 'land use', 'water'])
    >>> index
    Bm25Index(3 labels, 3 texts, 4 words)
    >>> index.search(['Who may use public land?'], 2)[0]
    array([0, 1]))")
      .def_static("build", &build, py::arg("texts"), py::arg("owners") = py::none(), py::kw_only(), py::arg("k1") = defaults.k1, py::arg("b") = defaults.b,
                  py::arg("k3") = defaults.k3, py::arg("drop_stop_words") = defaults.drop_stop_words, py::arg("stem_plurals") = defaults.stem_plurals,
                  R"(An index of texts, such as `labels.names` of a LabelSet.

Args:
    texts: Names of labels: a list, an array, a generator.
    owners: For each text the number of the label that it belongs to, from 0; None: text i belongs to label i.
    k1: How soon a word that a label repeats stops counting.
    b: How much a label's length weighs, from 0 to 1.
    k3: How soon a word that a query repeats stops counting: 0 counts each word once, float('inf') each as often as it is there.
    drop_stop_words: Leave out Lucene's English stop words.
    stem_plurals: Make English plurals singular.

Raises:
    ValueError: For a negative owner, another number of owners, or a number out of range.

Example:
    >>> lmtx.Bm25Index.build(['tax', 'duties', 'army'], [0, 0, 1])
    Bm25Index(2 labels, 3 texts, 3 words))")
      .def("search", &search, py::arg("queries"), py::arg("k"), py::kw_only(), py::arg("on_event") = py::none(),
           R"(For each query the k best labels of those that share a word with it, best first; equal scores by label number. Ctrl-C ends it.

Args:
    queries: Texts, Documents or dicts.
    k: Most labels a query.
    on_event: Called with an Event after each block.

Returns:
    RankedLists: for each query at most k labels, with scores above 0.

Raises:
    ValueError: For k below 1.
    TypeError: For what is no text.

Example:
    >>> found = lmtx.Bm25Index.build(['public lands', 'land use', 'water']).search(['Land and water', 'Taxes'], 3)
    >>> [labels.tolist() for labels in found]
    [[2, 0, 1], []])")
      .def_property_readonly("num_labels", &Bm25Index::num_labels, "int: labels that own a text; also len().")
      .def_property_readonly("num_texts", &Bm25Index::num_texts, "int: texts.")
      .def_property_readonly("num_words", &Bm25Index::num_words, "int: different words in them.")
      .def_property_readonly(
          "k1", [](const Bm25Index& index) { return index.options().k1; }, "float: how soon a word that a label repeats stops counting.")
      .def_property_readonly(
          "b", [](const Bm25Index& index) { return index.options().b; }, "float: how much a label's length weighs.")
      .def_property_readonly(
          "k3", [](const Bm25Index& index) { return index.options().k3; }, "float: how soon a word that a query repeats stops counting.")
      .def_property_readonly(
          "drop_stop_words", [](const Bm25Index& index) { return index.options().drop_stop_words; }, "bool: whether English stop words are left out.")
      .def_property_readonly(
          "stem_plurals", [](const Bm25Index& index) { return index.options().stem_plurals; }, "bool: whether English plurals are made singular.")
      .def("__len__", &Bm25Index::num_labels)
      .def("__repr__", &to_string);
}

}  // namespace lmtx::python
