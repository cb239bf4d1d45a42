// Metrics and intervals over ranked labels.
#include "lmtx/eval/metrics.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "lmtx/eval/bootstrap.h"
#include "register.h"

namespace lmtx::python {
namespace {

using Lists = std::vector<std::vector<int64_t>>;

// What the metrics read, from lists of label numbers.
struct Rankings {
  SparseMatrix targets;
  RankedLabels ranked;
};

Rankings make_rankings(const Lists& targets, Lists ranked) {
  int64_t num_labels = 0;
  for (std::vector<int64_t>& row : ranked) std::erase(row, -1);  // The filling of LabelMatches.
  for (const Lists* lists : {&targets, const_cast<const Lists*>(&ranked)}) {
    for (const std::vector<int64_t>& row : *lists) {
      for (const int64_t label : row) num_labels = std::max(num_labels, label + 1);
    }
  }
  return {target_matrix(targets, num_labels), std::move(ranked)};
}

using Metric = std::vector<double> (*)(const SparseMatrix&, const RankedLabels&, int64_t);

template <Metric metric>
py::array_t<double> compute(const Lists& targets, Lists ranked, int64_t k) {
  std::vector<double> values;
  {
    py::gil_scoped_release release;
    const Rankings rankings = make_rankings(targets, std::move(ranked));
    values = metric(rankings.targets, rankings.ranked, k);
  }
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

Interval bootstrap(const py::array_t<double, py::array::c_style | py::array::forcecast>& values, double level, int64_t resamples, uint64_t seed) {
  const std::span<const double> view(values.data(), static_cast<size_t>(values.size()));
  py::gil_scoped_release release;
  return bootstrap_mean(view, level, resamples, seed);
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

  py::class_<Interval>(m, "Interval", "A mean with a confidence interval around it.")
      .def_readonly("value", &Interval::value)
      .def_readonly("low", &Interval::low)
      .def_readonly("high", &Interval::high)
      .def("__repr__", [](const Interval& self) { return py::str("Interval({:.4g}, from {:.4g} to {:.4g})").format(self.value, self.low, self.high); });
  m.def("bootstrap_mean", &bootstrap, py::arg("values"), py::kw_only(), py::arg("level") = 0.95, py::arg("resamples") = 2000, py::arg("seed") = 0,
        "The mean of `values` with a percentile bootstrap interval (Efron 1979).");
}

}  // namespace lmtx::python
