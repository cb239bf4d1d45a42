// Metrics and intervals over ranked labels.
#include "lmtx/eval/metrics.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <span>
#include <utility>

#include "lmtx/eval/bootstrap.h"
#include "lmtx/eval/propensity.h"
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

// Anything that is an array of numbers, or can become one.
using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::span<const double> view(const Numbers& numbers) { return {numbers.data(), static_cast<size_t>(numbers.size())}; }

template <auto metric>
Array compute(const Lists& targets, Lists ranked, int64_t k) {
  const std::vector<double> values = [&] {
    py::gil_scoped_release release;
    const Rankings rankings = make_rankings(targets, std::move(ranked));
    return metric(rankings.targets, rankings.ranked, k);
  }();
  return to_python(values);
}

template <auto metric>
auto compute_scored(const Lists& targets, Lists ranked, const Numbers& weights, int64_t k) {
  const std::span<const double> label_weights = view(weights);
  const auto values = [&] {
    py::gil_scoped_release release;
    const Rankings rankings = make_rankings(targets, std::move(ranked), static_cast<int64_t>(label_weights.size()));
    return metric(rankings.targets, rankings.ranked, label_weights, k);
  }();
  return to_python(values);
}

Array frequencies_of(const Lists& targets, int64_t num_labels) { return to_python(label_frequencies(target_matrix(targets, num_labels))); }

Array propensities_of(const Numbers& frequencies, int64_t num_documents, double a, double b) {
  return to_python(inverse_propensities(view(frequencies), num_documents, {.a = a, .b = b}));
}

Interval mean_interval(const Numbers& values, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> v = view(values);
  py::gil_scoped_release release;
  return bootstrap_mean(v, level, resamples, seed);
}

Interval ratio_interval(const Numbers& numerators, const Numbers& denominators, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> n = view(numerators), d = view(denominators);
  py::gil_scoped_release release;
  return bootstrap_ratio(n, d, level, resamples, seed);
}

Comparison mean_comparison(const Numbers& first, const Numbers& second, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> a = view(first), b = view(second);
  py::gil_scoped_release release;
  return compare_means(a, b, level, resamples, seed);
}

Comparison ratio_comparison(const Numbers& first, const Numbers& second, const Numbers& denominators, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> a = view(first), b = view(second), d = view(denominators);
  py::gil_scoped_release release;
  return compare_ratios(a, b, d, level, resamples, seed);
}

template <typename Function, typename... Arguments>
void def_bootstrap(py::module_& m, const char* name, Function function, const char* doc, const Arguments&... arguments) {
  m.def(name, function, arguments..., py::kw_only(), py::arg("level") = 0.95, py::arg("resamples") = 2000, py::arg("seed") = 0, doc);
}

}  // namespace

void register_metrics(py::module_& m) {
  const auto means = [&m](const char* name, auto function, const char* doc) { m.def(name, function, py::arg("targets"), py::arg("ranked"), py::kw_only(), py::arg("max_k"), doc); };
  means("precision", &compute<&precision>,
        "Mean precision@k for k = 1..max_k, as fractions. `targets[i]` lists the true label numbers of document i, `ranked[i]` its labels, best first (-1: none).");
  means("recall", &compute<&recall>, "Mean recall@k for k = 1..max_k; arguments as in `precision`.");
  means("ndcg", &compute<&ndcg>, "Mean nDCG@k for k = 1..max_k; arguments as in `precision`.");
  const auto values = [&m](const char* name, auto function, const char* doc) { m.def(name, function, py::arg("targets"), py::arg("ranked"), py::kw_only(), py::arg("k"), doc); };
  values("precision_per_document", &compute<&precision_per_document>, "precision@k of each document; arguments as in `precision`.");
  values("recall_per_document", &compute<&recall_per_document>, "recall@k of each document; arguments as in `precision`.");
  values("ndcg_per_document", &compute<&ndcg_per_document>, "nDCG@k of each document; arguments as in `precision`.");

  const auto scored = [&m](const char* name, auto function, const char* k, const char* doc) {
    m.def(name, function, py::arg("targets"), py::arg("ranked"), py::arg("weights"), py::kw_only(), py::arg(k), doc);
  };
  scored("psprecision", &compute_scored<&psprecision>, "max_k",
         "Propensity-scored precision@k for k = 1..max_k: a hit counts `weights[label]` (see `inverse_propensities`), and the sum is divided by the best\n"
         "attainable.");
  scored("psrecall", &compute_scored<&psrecall>, "max_k", "Propensity-scored recall@k for k = 1..max_k; arguments as in `psprecision`.");
  scored("psndcg", &compute_scored<&psndcg>, "max_k", "Propensity-scored nDCG@k for k = 1..max_k; arguments as in `psprecision`.");
  scored("psprecision_per_document", &compute_scored<&psprecision_per_document>, "k",
         "What each document's ranking gets and the best it could get; psprecision@k is the ratio of their sums. Arguments as in `psprecision`.");
  scored("psrecall_per_document", &compute_scored<&psrecall_per_document>, "k", "The same for recall@k.");
  scored("psndcg_per_document", &compute_scored<&psndcg_per_document>, "k", "The same for nDCG@k.");
  m.def("label_frequencies", &frequencies_of, py::arg("targets"), py::kw_only(), py::arg("num_labels"),
        "For each label the documents in which it is true, float64 [num_labels].");
  const PropensityConstants constants;
  m.def("inverse_propensities", &propensities_of, py::arg("frequencies"), py::arg("num_documents"), py::kw_only(), py::arg("a") = constants.a,
        py::arg("b") = constants.b,
        "Weights of labels by the documents, of `num_documents`, in which each is true (Jain et al. 2016), float64 [num_labels].\n\n"
        "Their `a` and `b` are 0.5 and 0.4 for Wikipedia, 0.6 and 2.6 for Amazon, and the defaults for everything else.");

  py::class_<Interval>(m, "Interval", "A mean or a ratio with a confidence interval around it.")
      .def_readonly("value", &Interval::value)
      .def_readonly("low", &Interval::low)
      .def_readonly("high", &Interval::high)
      .def("__repr__", [](const Interval& self) { return py::str("Interval({:.4g}, from {:.4g} to {:.4g})").format(self.value, self.low, self.high); });
  py::class_<Comparison>(m, "Comparison", "Two that were measured on the same documents.")
      .def_readonly("difference", &Comparison::difference, "The first's value minus the second's, with its interval.")
      .def_readonly("better", &Comparison::better, "The share of resamples in which the first is ahead; those where neither is count half.")
      .def("__repr__", [](const Comparison& self) { return py::str("Comparison(difference={!r}, better={:.4g})").format(self.difference, self.better); });
  def_bootstrap(m, "bootstrap_mean", &mean_interval, "The mean of `values` with a percentile bootstrap interval (Efron 1979).", py::arg("values"));
  def_bootstrap(m, "bootstrap_ratio", &ratio_interval,
                "The sum of `numerators` over that of `denominators`, with an interval whose draws take both from the same documents.",
                py::arg("numerators"), py::arg("denominators"));
  def_bootstrap(m, "compare_means", &mean_comparison, "The means of two that were measured on the same documents, compared by a paired bootstrap.",
                py::arg("first"), py::arg("second"));
  def_bootstrap(m, "compare_ratios", &ratio_comparison, "The same for ratios over the same denominators.", py::arg("first"), py::arg("second"),
                py::arg("denominators"));
}

}  // namespace lmtx::python
