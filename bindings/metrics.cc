// Metrics and intervals over ranked labels.
#include "lmtx/eval/metrics.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <span>
#include <utility>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/eval/propensity.h"
#include "interrupts.h"
#include "numbers.h"
#include "register.h"

namespace lmtx::python {
namespace {

using Lists = std::vector<std::vector<int64_t>>;

// What the metrics read, from lists of label numbers.
struct Rankings {
  SparseMatrix targets;
  RankedLabels ranked;
};

// There are `num_labels`, or as many as come up.
Rankings make_rankings(const Lists& targets, Lists ranked, int64_t num_labels = -1) {
  for (std::vector<int64_t>& row : ranked) std::erase(row, -1);  // The filling of LabelMatches.
  if (num_labels >= 0) return {target_matrix(targets, num_labels), std::move(ranked)};
  for (const Lists* lists : {&targets, const_cast<const Lists*>(&ranked)}) {
    for (const std::vector<int64_t>& row : *lists) {
      for (const int64_t label : row) num_labels = std::max(num_labels, label + 1);
    }
  }
  return {target_matrix(targets, num_labels), std::move(ranked)};
}

using Array = py::array_t<double>;

Array to_python(const std::vector<double>& values) { return Array(static_cast<py::ssize_t>(values.size()), values.data()); }
std::pair<Array, Array> to_python(const ScoredGains& gains) { return {to_python(gains.found), to_python(gains.best)}; }

// Calls work(stop token) without the GIL; Ctrl-C ends it.
template <class Work>
auto interruptible(Work&& work) {
  return run_long(py::none(), [&](const EventCallback&, const std::stop_token& stop) { return work(stop); });
}

template <auto metric>
Array compute(const Lists& targets, Lists ranked, int64_t k) {
  return to_python(interruptible([&](const std::stop_token& stop) {
    const Rankings rankings = make_rankings(targets, std::move(ranked));
    return metric(rankings.targets, rankings.ranked, k, stop);
  }));
}

template <auto metric>
auto compute_scored(const Lists& targets, Lists ranked, const Numbers& weights, int64_t k) {
  const std::span<const double> label_weights = view(weights);
  return to_python(interruptible([&](const std::stop_token& stop) {
    const Rankings rankings = make_rankings(targets, std::move(ranked), static_cast<int64_t>(label_weights.size()));
    return metric(rankings.targets, rankings.ranked, label_weights, k, stop);
  }));
}

Array frequencies_of(const Lists& targets, int64_t num_labels) { return to_python(label_frequencies(target_matrix(targets, num_labels))); }

Array propensities_of(const Numbers& frequencies, int64_t num_documents, double a, double b) {
  return to_python(inverse_propensities(view(frequencies), num_documents, {.a = a, .b = b}));
}

Interval mean_interval(const Numbers& values, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> v = view(values);
  return interruptible([&](const std::stop_token& stop) { return bootstrap_mean(v, level, resamples, seed, stop); });
}

Interval ratio_interval(const Numbers& numerators, const Numbers& denominators, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> n = view(numerators), d = view(denominators);
  return interruptible([&](const std::stop_token& stop) { return bootstrap_ratio(n, d, level, resamples, seed, stop); });
}

Comparison mean_comparison(const Numbers& first, const Numbers& second, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> a = view(first), b = view(second);
  return interruptible([&](const std::stop_token& stop) { return compare_means(a, b, level, resamples, seed, stop); });
}

Comparison ratio_comparison(const Numbers& first, const Numbers& second, const Numbers& denominators, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> a = view(first), b = view(second), d = view(denominators);
  return interruptible([&](const std::stop_token& stop) { return compare_ratios(a, b, d, level, resamples, seed, stop); });
}

template <typename Function, typename... Arguments>
void def_bootstrap(py::module_& m, const char* name, Function function, const char* doc, const Arguments&... arguments) {
  m.def(name, function, arguments..., py::kw_only(), py::arg("level") = 0.95, py::arg("resamples") = 2000, py::arg("seed") = 0, doc);
}

void register_means(py::module_& m) {
  const auto def = [&m](const char* name, auto function, const char* doc) {
    m.def(name, function, py::arg("targets"), py::arg("ranked"), py::kw_only(), py::arg("max_k"), doc);
  };
  def("precision", &compute<&precision>, R"(Mean precision@k: the share of the first k labels that are true.

Args:
    targets: For each document its true label numbers.
    ranked: For each document label numbers, best first, each at most once; -1, with which LabelMatches fills up, is passed over. A list of lists or an int64
        array [num_documents, n].
    max_k: The largest k, from 1.

Returns:
    float64 [max_k]: fractions, for k = 1..max_k. Documents without true labels count, with 0.

Raises:
    ValueError: For max_k below 1, another number of documents, or a label ranked twice.
    IndexError: For a label number below 0.

Example:
    >>> lmtx.precision([[0, 2], [1]], [[2, 1], [0, 1]], max_k=2)
    array([0.5, 0.5]))");
  def("recall", &compute<&recall>, R"(Mean recall@k: the share of a document's true labels among its first k. Arguments and errors as in `precision`.

Returns:
    float64 [max_k]: fractions, for k = 1..max_k. Documents without true labels count, with 0.

Example:
    >>> lmtx.recall([[0, 2], [1]], [[2, 1], [0, 1]], max_k=2)
    array([0.25, 0.75]))");
  def("ndcg", &compute<&ndcg>, R"(Mean nDCG@k: true labels count by their rank, relative to the best attainable order. Arguments and errors as in `precision`.

Returns:
    float64 [max_k]: fractions, for k = 1..max_k. Documents without true labels count, with 0.

Example:
    >>> lmtx.ndcg([[0, 2], [1]], [[2, 1], [0, 1]], max_k=2).round(3)
    array([0.5  , 0.622]))");
}

void register_values(py::module_& m) {
  const auto def = [&m](const char* name, auto function, const char* doc) {
    m.def(name, function, py::arg("targets"), py::arg("ranked"), py::kw_only(), py::arg("k"), doc);
  };
  def("precision_per_document", &compute<&precision_per_document>,
      R"(precision@k of each document, float64 [num_documents]. Arguments and errors as in `precision`.

Example:
    >>> lmtx.precision_per_document([[0, 2], [1]], [[2, 0], [0, 1]], k=2)
    array([1. , 0.5]))");
  def("recall_per_document", &compute<&recall_per_document>, R"(recall@k of each document, float64 [num_documents]. Arguments and errors as in `precision`.

Example:
    >>> lmtx.recall_per_document([[0, 2], [1]], [[2, 0], [0, 1]], k=1)
    array([0.5, 0. ]))");
  def("ndcg_per_document", &compute<&ndcg_per_document>, R"(nDCG@k of each document, float64 [num_documents]. Arguments and errors as in `precision`.

Example:
    >>> lmtx.ndcg_per_document([[0, 2], [1]], [[2, 0], [0, 1]], k=2).round(3)
    array([1.   , 0.631]))");
}

template <typename Function>
void def_scored(py::module_& m, const char* name, Function function, const char* k, const char* doc) {
  m.def(name, function, py::arg("targets"), py::arg("ranked"), py::arg("weights"), py::kw_only(), py::arg(k), doc);
}

void register_scored(py::module_& m) {
  def_scored(m, "psprecision", &compute_scored<&psprecision>, "max_k",
      R"(Propensity-scored precision@k: a hit counts the weight of its label, and the sum is divided by the best attainable.

Args:
    targets, ranked, max_k: As in `precision`.
    weights: Of each label, above 0: float64 [num_labels], such as `inverse_propensities` gives.

Returns:
    float64 [max_k]: fractions, for k = 1..max_k.

Raises:
    ValueError: As in `precision`, and for a weight that is not above 0.
    IndexError: For a label number without a weight.

Example:
    >>> lmtx.psprecision([[0, 2], [1]], [[0, 1], [1, 0]], [1.0, 2.0, 5.0], max_k=2).round(3)
    array([0.429, 0.375]))");
  def_scored(m, "psrecall", &compute_scored<&psrecall>, "max_k", R"(Propensity-scored recall@k, float64 [max_k]; arguments and errors as in `psprecision`.

Example:
    >>> lmtx.psrecall([[0, 2], [1]], [[0, 1], [1, 0]], [1.0, 2.0, 5.0], max_k=2).round(3)
    array([0.556, 0.5  ]))");
  def_scored(m, "psndcg", &compute_scored<&psndcg>, "max_k", R"(Propensity-scored nDCG@k, float64 [max_k]; arguments and errors as in `psprecision`.

Example:
    >>> lmtx.psndcg([[0, 2], [1]], [[0, 1], [1, 0]], [1.0, 2.0, 5.0], max_k=2).round(3)
    array([0.429, 0.479]))");
}

void register_scored_values(py::module_& m) {
  def_scored(m, "psprecision_per_document", &compute_scored<&psprecision_per_document>, "k",
      R"(What each document's ranking gets and the best it could get, for precision@k.

Arguments and errors as in `psprecision`, which is the ratio of their sums.

Returns:
    Two arrays, float64 [num_documents].

Example:
    >>> lmtx.psprecision_per_document([[0, 2], [1]], [[0, 1], [1, 0]], [1.0, 2.0, 5.0], k=1)
    (array([1., 2.]), array([5., 2.])))");
  def_scored(m, "psrecall_per_document", &compute_scored<&psrecall_per_document>, "k",
      R"(The same for recall@k: two arrays, float64 [num_documents]. Arguments and errors as in `psprecision`.

Example:
    >>> lmtx.psrecall_per_document([[0, 2], [1]], [[0, 1], [1, 0]], [1.0, 2.0, 5.0], k=1)
    (array([0.5, 2. ]), array([2.5, 2. ])))");
  def_scored(m, "psndcg_per_document", &compute_scored<&psndcg_per_document>, "k",
      R"(The same for nDCG@k: two arrays, float64 [num_documents]. Arguments and errors as in `psprecision`.

Example:
    >>> lmtx.psndcg_per_document([[0, 2], [1]], [[0, 1], [1, 0]], [1.0, 2.0, 5.0], k=1)
    (array([1., 2.]), array([5., 2.])))");
}

void register_propensities(py::module_& m) {
  m.def("label_frequencies", &frequencies_of, py::arg("targets"), py::kw_only(), py::arg("num_labels"), R"(For each label the documents in which it is true.

Args:
    targets: For each document its true label numbers.
    num_labels: How many labels there are.

Returns:
    float64 [num_labels].

Raises:
    IndexError: For a label number that is none.

Example:
    >>> lmtx.label_frequencies([[0, 2], [2], []], num_labels=4)
    array([1., 0., 2., 0.]))");
  const PropensityConstants constants;
  m.def("inverse_propensities", &propensities_of, py::arg("frequencies"), py::arg("num_documents"), py::kw_only(), py::arg("a") = constants.a,
        py::arg("b") = constants.b, R"(Weights of labels: the rarer, the heavier (Jain et al. 2016).

Args:
    frequencies: For each label the documents, of `num_documents`, in which it is true: float64 [num_labels].
    num_documents: From 1.
    a, b: 0.5 and 0.4 for Wikipedia, 0.6 and 2.6 for Amazon, and the defaults for everything else, as its authors say.

Returns:
    float64 [num_labels].

Raises:
    ValueError: For a frequency that is negative or not finite, no documents, or constants that are not above 0.

Example:
    >>> lmtx.inverse_propensities([1, 100], 1000).round(1)
    array([6.9, 1.8]))");
}

void register_intervals(py::module_& m) {
  py::class_<Interval>(m, "Interval", R"(A mean or a ratio with a confidence interval around it. Immutable.

Example:
    >>> interval = lmtx.bootstrap_mean([0, 1, 1, 1])
    >>> interval.value
    0.75)")
      .def(py::init([](double value, double low, double high) { return Interval{value, low, high}; }), py::kw_only(), py::arg("value"), py::arg("low"),
           py::arg("high"), "An interval that was found elsewhere.")
      .def_readonly("value", &Interval::value, "float: what was measured.")
      .def_readonly("low", &Interval::low, "float: the lower end of the interval.")
      .def_readonly("high", &Interval::high, "float: its upper end.")
      .def("__repr__", [](const Interval& self) { return py::str("Interval({:.4g}, from {:.4g} to {:.4g})").format(self.value, self.low, self.high); });
  py::class_<Comparison>(m, "Comparison", R"(Two that were measured on the same documents. Immutable.

Example:
    >>> lmtx.compare_means([0.5, 0.75, 1.0], [0.25, 0.5, 0.75])
    Comparison(difference=Interval(0.25, from 0.25 to 0.25), better=1))")
      .def_readonly("difference", &Comparison::difference, "Interval: the first's value minus the second's.")
      .def_readonly("better", &Comparison::better, "float: the share of resamples in which the first is ahead; those where neither is count half.")
      .def("__repr__", [](const Comparison& self) { return py::str("Comparison(difference={!r}, better={:.4g})").format(self.difference, self.better); });
}

void register_bootstrap(py::module_& m) {
  def_bootstrap(m, "bootstrap_mean", &mean_interval, R"(The mean of `values` with a percentile bootstrap interval (Efron 1979).

Args:
    values: One a document: float64 [num_documents], or anything that becomes it.
    level: Of confidence, between 0 and 1.
    resamples: Draws of as many documents, with replacement.
    seed: The same seed gives the same interval.

Returns:
    Interval: all 0 for no values.

Raises:
    ValueError: For a level outside (0, 1), or resamples below 1.

Example:
    >>> lmtx.bootstrap_mean(np.arange(100) % 2)
    Interval(0.5, from 0.4 to 0.6))", py::arg("values"));
  def_bootstrap(m, "bootstrap_ratio", &ratio_interval,
      R"(The sum of `numerators` over that of `denominators`, with an interval whose draws take both from the same documents.

Args:
    numerators, denominators: One a document: float64 [num_documents].
    level, resamples, seed: As in `bootstrap_mean`.

Raises:
    ValueError: As `bootstrap_mean`, and for another number of denominators.

Example:
    >>> lmtx.bootstrap_ratio([1, 2, 3], [2, 4, 6])
    Interval(0.5, from 0.5 to 0.5))", py::arg("numerators"), py::arg("denominators"));
  def_bootstrap(m, "compare_means", &mean_comparison, R"(The means of two that were measured on the same documents, compared by a paired bootstrap.

Args:
    first, second: One value a document: float64 [num_documents].
    level, resamples, seed: As in `bootstrap_mean`.

Returns:
    Comparison: how far the first is ahead.

Raises:
    ValueError: As `bootstrap_mean`, and for different numbers of values.

Example:
    >>> lmtx.compare_means([0.5, 0.75, 1.0], [0.25, 0.5, 0.75]).better
    1.0)", py::arg("first"), py::arg("second"));
  def_bootstrap(m, "compare_ratios", &ratio_comparison, R"(The same for ratios over the same denominators.

Args:
    first, second, denominators: One value a document: float64 [num_documents].
    level, resamples, seed: As in `bootstrap_mean`.

Raises:
    ValueError: As `compare_means`.

Example:
    >>> lmtx.compare_ratios([2, 4], [1, 2], [4, 8]).difference
    Interval(0.25, from 0.25 to 0.25))", py::arg("first"), py::arg("second"), py::arg("denominators"));
}

}  // namespace

void register_metrics(py::module_& m) {
  register_means(m);
  register_values(m);
  register_scored(m);
  register_scored_values(m);
  register_propensities(m);
  register_intervals(m);
  register_bootstrap(m);
}

}  // namespace lmtx::python
