#include "lmtx/eval/combination.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "numbers.h"
#include "register.h"

namespace lmtx::python {
namespace {

// Rows of scores, one a teacher.
std::span<const double> rows(const Numbers& scores) {
  if (scores.ndim() == 2) return view(scores);
  throw py::value_error("`scores` must have shape [num_pairs, num_teachers], but has " + std::to_string(scores.ndim()) + " dimensions instead.");
}

Combination fit(const Numbers& scores, const Numbers& gold, const std::optional<Numbers>& weights) {
  const std::span<const double> all = rows(scores);
  return Combination::fit(all, scores.shape(1), view(gold), view(weights));
}

py::array_t<double> apply(const Combination& combination, const Numbers& scores) {
  const std::span<const double> all = rows(scores);
  const auto width = static_cast<size_t>(scores.shape(1));
  std::vector<double> combined;
  for (py::ssize_t i = 0; i < scores.shape(0); ++i) combined.push_back(combination(all.subspan(static_cast<size_t>(i) * width, width)));
  return to_array(combined);
}

void register_reliability(py::module_& m) {
  const Reliability defaults;
  py::class_<Reliability>(m, "Reliability", R"(What an audit says of a teacher's yeses and noes. Immutable.

Example:
    >>> found = lmtx.audit_scores([.9, .8, .3, .7, .2, .1], [1, 1, 1, 0, 0, 0])
    >>> lmtx.Reliability(sensitivity=found.recall.value, specificity=found.specificity.value)
    Reliability(sensitivity=0.667, specificity=0.667, cut=0.5))")
      .def(py::init([](double sensitivity, double specificity, double cut) { return Reliability{sensitivity, specificity, cut}; }), py::kw_only(),
           py::arg("sensitivity"), py::arg("specificity"), py::arg("cut") = defaults.cut, "Rates in [0, 1], which Combination.votes checks.")
      .def_readonly("sensitivity", &Reliability::sensitivity, "float: of the true pairs those that it gives a yes; an audit's recall.")
      .def_readonly("specificity", &Reliability::specificity, "float: of the others those that it gives a no.")
      .def_readonly("cut", &Reliability::cut, "float: scores from here up are a yes.")
      .def("__repr__", [](const Reliability& self) {
        return py::str("Reliability(sensitivity={:.3g}, specificity={:.3g}, cut={:.3g})").format(self.sensitivity, self.specificity, self.cut);
      });
}

}  // namespace

void register_combination(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  register_reliability(m);
  py::class_<Combination>(m, "Combination", R"(One score out of several teachers': each adds to the log-odds, one that abstains nothing. Immutable.

Example:
    >>> combination = lmtx.Combination.mean([1, 1])
    >>> combination.apply([[0.9, 0.5], [0.9, None], [None, None]]).round(2)
    array([0.75, 0.9 ,  nan]))")
      .def_static(
          "mean", [](const Numbers& weights) { return Combination::mean(view(weights)); }, py::arg("weights"),
          R"(The weighted mean of the log-odds, over the teachers that do not abstain. Needs no gold.

Args:
    weights: One a teacher, above 0: float64 [num_teachers].

Raises:
    ValueError: For no weight, or one that is not above 0.

Example:
    >>> lmtx.Combination.mean([2, 1])
    Combination(mean: 2 * (logit - 0), 1 * (logit - 0)))")
      .def_static(
          "votes", [](const std::vector<Reliability>& teachers, double yes_rate) { return Combination::votes(teachers, yes_rate); }, py::arg("teachers"),
          py::kw_only(), py::arg("yes_rate"),
          R"(Votes that weigh the log-odds of their teachers' reliability, as if teachers erred independently.

Args:
    teachers: A Reliability each, cut to [.01, .99].
    yes_rate: The share of true pairs, where the log-odds begin.

Raises:
    ValueError: For no teacher, or a number outside (0, 1).

Example:
    >>> votes = lmtx.Combination.votes([lmtx.Reliability(sensitivity=.9, specificity=.8), lmtx.Reliability(sensitivity=.6, specificity=.7)], yes_rate=.2)
    >>> votes.apply([[1, 1], [1, 0], [1, None]]).round(2)
    array([0.69, 0.39, 0.53]))")
      .def_static("fit", &fit, py::arg("scores"), py::arg("gold"), py::kw_only(), py::arg("weights") = py::none(),
                  R"(Fitted to gold: a logistic regression on the teachers' log-odds, less their means, where an abstention counts as the mean.

The same as scikit-learn's LogisticRegression(C=1). It sees how teachers' errors go together, which `votes` does not.

Args:
    scores: float64 [num_pairs, num_teachers], None or NaN where a teacher abstained.
    gold: 1 where the label fits, else 0: float64 [num_pairs].
    weights: How many pairs each stands for: float64 [num_pairs].

Raises:
    ValueError: For arrays of other shapes, wrong scores or gold, fewer than five yeses or five noes, or a teacher without a score.

Example:
    >>> draw = np.random.default_rng(0)
    >>> scores = draw.random([400, 2])
    >>> lmtx.Combination.fit(scores, draw.random(400) < scores[:, 0]).kind
    'fit')")
      .def_static("load", &Combination::load, py::arg("file"), release(),
                  R"(Reads what save() wrote. RuntimeError naming the file, where it is missing, newer or damaged.

Example:
    >>> lmtx.Combination.mean([2, 1]).save('combination.json')
    >>> lmtx.Combination.load('combination.json') == lmtx.Combination.mean([2, 1])
    True)")
      .def("save", &Combination::save, py::arg("file"), release(), R"(Writes a file of JSON, whole or not at all.

Example:
    >>> lmtx.Combination.mean([2, 1]).save('combination.json'))")
      .def("apply", &apply, py::arg("scores"), R"(Combined scores of pairs: float64 [num_pairs], NaN where all teachers abstained.

Args:
    scores: float64 [num_pairs, num_teachers], None or NaN where a teacher abstained.

Raises:
    ValueError: For another number of teachers, or a score outside [0, 1].

Example:
    >>> lmtx.Combination.mean([1, 1]).apply([[0.9, 0.1]])
    array([0.5]))")
      .def("identity", &Combination::identity, R"(str: the kind and 16 hexadecimal digits over all that makes the values.

Example:
    >>> lmtx.Combination.mean([1]).identity()
    'mean-...')")
      .def_property_readonly("kind", &Combination::kind, "str: 'mean', 'votes' or 'fit'.")
      .def_property_readonly("num_teachers", &Combination::num_teachers, "int: how many teachers it combines.")
      .def(
          "__eq__", [](const Combination& self, const Combination& other) { return self.identity() == other.identity(); }, py::is_operator())
      .def("__hash__", [](const Combination& self) { return py::hash(py::str(self.identity())); })
      .def("__repr__", [](const Combination& self) { return "Combination(" + self.describe() + ")"; });
}

}  // namespace lmtx::python
