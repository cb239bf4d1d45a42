#include "ranked_lists.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <utility>
#include <vector>

#include "interrupts.h"
#include "lmtx/search/fusion.h"
#include "lmtx/search/label_index.h"
#include "register.h"
#include "tensor.h"
#include "text.h"

namespace lmtx::python {
namespace {

const FusionOptions defaults;

template <typename T>
using Rows = std::vector<std::vector<T>>;

template <typename T>
Rows<T> rows_of(const py::handle& object, const char* what, const std::string& name) {
  try {
    return object.cast<Rows<T>>();
  } catch (const py::cast_error&) {
    throw py::type_error(name + " must hold " + what + " as a list of lists or an array [n, k], but they are of type " +
                         std::string(py::str(py::type::of(object).attr("__name__"))) + " instead.");
  }
}

// Without the filling.
RankedLists join(const Rows<int64_t>& labels, const Rows<float>& scores, const std::string& name) {
  if (scores.size() != labels.size()) {
    throw py::value_error(name + " must have as many lists of scores as of labels, " + std::to_string(labels.size()) + ", but has " +
                          std::to_string(scores.size()) + " instead.");
  }
  RankedLists lists;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (scores[i].size() != labels[i].size()) {
      throw py::value_error(name + " must have a score for each label, but list " + std::to_string(i) + " has " + std::to_string(labels[i].size()) +
                            " labels and " + std::to_string(scores[i].size()) + " scores.");
    }
    for (size_t j = 0; j < labels[i].size(); ++j) {
      if (labels[i][j] == -1) continue;
      lists.labels.push_back(labels[i][j]);
      lists.scores.push_back(scores[i][j]);
    }
    lists.offsets.push_back(static_cast<int64_t>(lists.labels.size()));
  }
  return lists;
}

RankedLists without_scores(const Rows<int64_t>& labels, const std::string& name) {
  Rows<float> scores;
  for (const auto& row : labels) scores.emplace_back(row.size());
  return join(labels, scores, name);
}

RankedLists make(const py::object& labels, const py::object& scores) {
  const std::string name = "`RankedLists`";
  return join(rows_of<int64_t>(labels, "labels", name), rows_of<float>(scores, "scores", name), name);
}

// One value for each ranking, or none at all.
template <typename T>
void check_count(const std::optional<std::vector<T>>& values, size_t count, const char* name) {
  if (!values || values->size() == count) return;
  throw py::value_error("`" + std::string(name) + "` must have one entry for each of the " + std::to_string(count) + " rankings, but has " +
                        std::to_string(values->size()) + " instead.");
}

RankedLists fuse(const std::vector<py::object>& rankings, int64_t k, const std::string& method, const std::optional<std::vector<double>>& weights,
                 const std::optional<std::vector<bool>>& divide_by_best, double rank_constant) {
  if (method != "rank" && method != "score") throw py::value_error("`method` must be \"rank\" or \"score\", but is \"" + method + "\" instead.");
  check_count(weights, rankings.size(), "weights");
  check_count(divide_by_best, rankings.size(), "divide_by_best");
  const bool by_score = method == "score";
  std::vector<RankedLists> lists;
  for (size_t i = 0; i < rankings.size(); ++i) lists.push_back(ranked_lists(rankings[i], by_score, "`rankings` entry " + std::to_string(i)));
  std::vector<FusionSource> sources;
  for (size_t i = 0; i < lists.size(); ++i) {
    sources.push_back({.lists = &lists[i], .weight = weights ? (*weights)[i] : 1, .divide_by_best = divide_by_best ? (*divide_by_best)[i] : false});
  }
  const FusionOptions options{.k = k, .rank_constant = rank_constant};
  return run_long(py::none(), [&](const EventCallback&, const std::stop_token& stop) {
    return by_score ? fuse_scores(sources, options, stop) : fuse_ranks(sources, options, stop);
  });
}

int64_t place_of(const RankedLists& lists, int64_t i) {
  const int64_t place = i < 0 ? i + lists.size() : i;
  if (place < 0 || place >= lists.size())
    throw py::index_error("there are " + std::to_string(lists.size()) + " lists, but list " + std::to_string(i) + " was asked for.");
  return place;
}

// Shares the memory of `self`, which it keeps alive.
template <typename T>
py::array view(const py::object& self, std::span<const T> values) {
  py::array array(py::dtype::of<T>(), {static_cast<py::ssize_t>(values.size())}, values.data(), self);
  array.attr("setflags")(py::arg("write") = false);
  return array;
}

const RankedLists& lists_of(const py::object& self) { return self.cast<const RankedLists&>(); }

}  // namespace

RankedLists ranked_lists(const py::handle& rankings, bool need_scores, const std::string& name) {
  if (py::isinstance<RankedLists>(rankings)) return rankings.cast<const RankedLists&>();
  if (py::isinstance<LabelMatches>(rankings)) {
    const auto& matches = rankings.cast<const LabelMatches&>();
    return join(rows_of<int64_t>(to_numpy(matches.labels.cpu()), "labels", name), rows_of<float>(to_numpy(matches.scores.cpu()), "scores", name), name);
  }
  if (py::isinstance<py::tuple>(rankings) && py::len(rankings) == 2) {
    const auto pair = py::reinterpret_borrow<py::tuple>(rankings);
    return join(rows_of<int64_t>(pair[0], "labels", name), rows_of<float>(pair[1], "scores", name), name);
  }
  if (need_scores) throw py::type_error(name + " has no scores; give a search's result or a tuple (labels, scores).");
  return without_scores(rows_of<int64_t>(rankings, "labels", name), name);
}

void register_ranked_lists(py::module_& m) {
  py::class_<RankedLists>(m, "RankedLists",
                          R"(Ranked labels of some texts, as many for each as there are. A sequence of the lists' label numbers, as metrics take it. Immutable.

Example:
    >>> ranked = lmtx.Bm25Index.build(['public lands', 'water']).search(['Water of the public', 'Taxes'], 5)
    >>> ranked
    RankedLists(2 lists, 2 labels)
    >>> [labels.tolist() for labels in ranked]
    [[1, 0], []]
    >>> lmtx.precision([[1], [0]], ranked, max_k=1)
    array([0.5]))")
      .def(py::init(&make), py::arg("labels"), py::arg("scores"),
           R"(From lists of lists or arrays [n, k] of label numbers and scores; a label number of -1, which fills up LabelMatches, is left out.

Raises:
    ValueError: For another number of scores.
    TypeError: For what is no list of lists.

Example:
    >>> lmtx.RankedLists([[3, 1], [2, -1]], [[0.5, 0.25], [1, 0]]).labels
    array([3, 1, 2]))")
      .def_property_readonly(
          "labels", [](const py::object& self) { return view<int64_t>(self, lists_of(self).labels); },
          "int64 [num_labels]: label numbers of all lists, one list after the other, each best first.")
      .def_property_readonly(
          "scores", [](const py::object& self) { return view<float>(self, lists_of(self).scores); }, "float32 [num_labels]: the labels' scores.")
      .def_property_readonly(
          "offsets", [](const py::object& self) { return view<int64_t>(self, lists_of(self).offsets); },
          "int64 [num_lists + 1]: list i is at offsets[i] to offsets[i + 1].")
      .def(
          "scores_of", [](const py::object& self, int64_t i) { return view<float>(self, lists_of(self).scores_of(place_of(lists_of(self), i))); }, py::arg("i"),
          R"(The scores of list i, float32 [labels in it]. IndexError for a list that is not there.

Example:
    >>> lmtx.RankedLists([[3, 1], [2]], [[0.5, 0.25], [1]]).scores_of(0)
    array([0.5 , 0.25], dtype=float32))")
      .def(
          "__getitem__", [](const py::object& self, int64_t i) { return view<int64_t>(self, lists_of(self).labels_of(place_of(lists_of(self), i))); },
          py::arg("i"), "The label numbers of list i, int64 [labels in it], best first. IndexError for a list that is not there.")
      .def("__len__", &RankedLists::size)
      .def("__repr__", [](const RankedLists& lists) {
        return "RankedLists(" + with_commas(lists.size()) + " lists, " + with_commas(static_cast<int64_t>(lists.labels.size())) + " labels)";
      });
  m.def("fuse", &fuse, py::arg("rankings"), py::arg("k") = defaults.k, py::kw_only(), py::arg("method") = "rank", py::arg("weights") = py::none(),
        py::arg("divide_by_best") = py::none(), py::arg("rank_constant") = defaults.rank_constant,
        R"(Several rankings of the labels of the same texts made into one; equal scores by label number.

By rank a label scores the sum of weight / (rank_constant + rank) over the rankings that list it (reciprocal rank fusion, Cormack, Clarke and Büttcher
2009); by score, the sum of weight * score. What one ranking lists is enough to be in the result.

Args:
    rankings: Each RankedLists, LabelMatches or a tuple (labels, scores); by rank, labels are enough: a list of lists or int64 [num_texts, n].
    k: Labels kept of each list.
    method: "rank" or "score".
    weights: One a ranking; None: 1 each.
    divide_by_best: By score, for each ranking whether a list's scores are divided by its best one first, as those of BM25 should be; None: of none.
    rank_constant: By rank: the larger, the less the first ranks stand out.

Raises:
    ValueError: For rankings of different numbers of texts, a label twice in a list, a negative weight, or k below 1.
    TypeError: For what is no ranking, and for one without scores by score.

Example:
    >>> dense, words = ([[4, 7]], [[0.75, 0.5]]), ([[7, 2]], [[8.0, 4.0]])
    >>> lmtx.fuse([dense, words])[0].tolist()
    [7, 4, 2]
    >>> fused = lmtx.fuse([dense, words], method='score', weights=[0.75, 0.25], divide_by_best=[False, True])
    >>> fused[0].tolist(), fused.scores_of(0).tolist()
    ([7, 4, 2], [0.625, 0.5625, 0.125]))");
}

}  // namespace lmtx::python
