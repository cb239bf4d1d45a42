#include "lmtx/eval/calibration.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "numbers.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

using OptionalNumbers = std::optional<Numbers>;
using OptionalIntegers = std::optional<Integers>;

Calibration platt(const Numbers& scores, const Numbers& gold, const OptionalNumbers& weights) {
  return Calibration::platt({.scores = view(scores), .gold = view(gold), .weights = view(weights)});
}

Calibration isotonic(const Numbers& scores, const Numbers& gold, const OptionalNumbers& weights) {
  return Calibration::isotonic({.scores = view(scores), .gold = view(gold), .weights = view(weights)});
}

Calibration fit(const Numbers& scores, const Numbers& gold, const OptionalNumbers& weights, const OptionalIntegers& documents, uint64_t seed) {
  const GoldPairs pairs{.scores = view(scores), .gold = view(gold), .weights = view(weights), .documents = view(documents)};
  py::gil_scoped_release release;
  return Calibration::fit(pairs, seed);
}

Calibration shift(const Numbers& scores, double yes_rate, const OptionalNumbers& weights) { return Calibration::shift(view(scores), yes_rate, view(weights)); }

void def_fits(py::class_<Calibration>& calibration) {
  calibration
      .def_static("platt", &platt, py::arg("scores"), py::arg("gold"), py::kw_only(), py::arg("weights") = py::none(),
                  R"(sigmoid(slope * logit(score) + offset), as Platt (1999) fits it: two numbers, enough for a few hundred pairs.

The same as scikit-learn's sigmoid calibration of logit(score). Where scores fall as gold rises it is flat.

Args:
    scores: The teacher's, in [0, 1], None or NaN where it abstained: float64 [num_pairs].
    gold: 1 where the label fits, else 0: float64 [num_pairs].
    weights: How many pairs each stands for, where the sample is not even: float64 [num_pairs].

Raises:
    ValueError: For lists of unequal lengths, a score outside [0, 1], gold that is neither 0 nor 1, or fewer than five yeses or five noes.

Example:
    >>> calibration = lmtx.Calibration.platt([.9, .8, .8, .7, .6, .9, .7, .5, .4, .2], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    >>> calibration
    Calibration(platt: sigmoid(0.673 * logit(score) - 0.514), from 10 pairs (5 yes))
    >>> calibration.apply([0.5, 0.9]).round(2)
    array([0.37, 0.72]))")
      .def_static("isotonic", &isotonic, py::arg("scores"), py::arg("gold"), py::kw_only(), py::arg("weights") = py::none(),
                  R"(The rising line through the pairs (isotonic regression), flat outside: for thousands of pairs.

The same as scikit-learn's IsotonicRegression(out_of_bounds='clip').

Args:
    scores, gold, weights: As in `platt`.

Raises:
    ValueError: As `platt`.

Example:
    >>> lmtx.Calibration.isotonic([.9, .8, .8, .7, .6, .9, .7, .5, .4, .2], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    Calibration(isotonic: a line through 6 points, from 0 to 0.75, from 10 pairs (5 yes)))")
      .def_static("fit", &fit, py::arg("scores"), py::arg("gold"), py::kw_only(), py::arg("weights") = py::none(), py::arg("documents") = py::none(),
                  py::arg("seed") = 0,
                  R"(`platt` below 1,000 pairs; from there on whichever of `platt` and `isotonic` has the lower log loss in a cross-validation in five parts.

Args:
    scores, gold, weights: As in `platt`.
    documents: Which document each pair is about, by any number, so that no document is in two parts: int64 [num_pairs].
    seed: Draws the parts.

Raises:
    ValueError: As `platt`.

Example:
    >>> draw = np.random.default_rng(0)
    >>> scores = draw.random(2000)
    >>> lmtx.Calibration.fit(scores, draw.random(2000) < np.where(scores < 0.7, 0.1, 0.6)).kind  # A step.
    'isotonic')")
      .def_static(
          "shift", &shift, py::arg("scores"), py::arg("yes_rate"), py::kw_only(), py::arg("weights") = py::none(),
          R"(Without gold: sigmoid(logit(score) + offset), so that the mean over these scores is `yes_rate`, the share of yeses that is known or believed.

Args:
    scores, weights: As in `platt`.
    yes_rate: Between 0 and 1.

Raises:
    ValueError: For a rate outside (0, 1), a score outside [0, 1], or no score at all.

Example:
    >>> calibration = lmtx.Calibration.shift([0.9, 0.8, 0.3], 0.2)
    >>> float(calibration.apply([0.9, 0.8, 0.3]).mean().round(6))
    0.2)");
}

}  // namespace

void register_calibration(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<Calibration> calibration(m, "Calibration", R"(From a teacher's scores to probabilities: a function that never falls. Immutable.

Example:
    >>> draw = np.random.default_rng(0)
    >>> scores = draw.random(300)
    >>> calibration = lmtx.Calibration.fit(scores, draw.random(300) < 0.5 * scores)
    >>> calibration.kind, calibration.pairs
    ('platt', 300)
    >>> calibration.save('calibration.json')
    >>> lmtx.Calibration.load('calibration.json') == calibration
    True)");
  def_fits(calibration);
  calibration
      .def_static("load", &Calibration::load, py::arg("file"), release(),
                  R"(Reads what save() wrote. RuntimeError naming the file, where it is missing, newer or damaged.

Example:
    >>> lmtx.Calibration.shift([0.9, 0.4], 0.2).save('shift.json')
    >>> lmtx.Calibration.load('shift.json').kind
    'shift')")
      .def("save", &Calibration::save, py::arg("file"), release(), R"(Writes a file of JSON, whole or not at all.

Example:
    >>> lmtx.Calibration.shift([0.9, 0.4], 0.2).save('shift.json'))")
      .def(
          "apply", [](const Calibration& self, const Numbers& scores) { return to_array(self.apply(view(scores))); }, py::arg("scores"),
          R"(Calibrated scores: float64 [num_scores]; NaN and None (abstentions) become NaN. ValueError for another score outside [0, 1].

Example:
    >>> lmtx.Calibration.shift([0.9, 0.4], 0.2).apply([0.4, None]).round(2)
    array([0.04,  nan]))")
      .def(
          "for_teacher", [](const Calibration& self, Text identity) { return self.for_teacher(std::move(identity.utf8)); }, py::arg("identity"),
          R"(The same for the teacher of this identity only: a CalibratedOracle refuses others.

Example:
    >>> lmtx.Calibration.shift([0.9, 0.4], 0.2).for_teacher('llm/1').teacher
    'llm/1')")
      .def("identity", &Calibration::identity, R"(str: the kind and 16 hexadecimal digits over all that makes the values.

Example:
    >>> lmtx.Calibration.shift([0.9, 0.4], 0.2).identity()
    'shift-...')")
      .def_property_readonly(
          "kind", [](const Calibration& self) { return to_string(self.kind()); }, "str: 'shift', 'platt' or 'isotonic'.")
      .def_property_readonly("pairs", &Calibration::pairs, "int: pairs with a score that it was fitted to.")
      .def_property_readonly("yeses", &Calibration::yeses, "int: the true ones among them; 0 for a shift.")
      .def_property_readonly("teacher", &Calibration::teacher, "str: the identity of the teacher that it is for; empty: any.")
      .def(
          "__eq__", [](const Calibration& self, const Calibration& other) { return self.identity() == other.identity() && self.teacher() == other.teacher(); },
          py::is_operator())
      .def("__hash__", [](const Calibration& self) { return py::hash(py::make_tuple(self.identity(), self.teacher())); })
      .def("__repr__", [](const Calibration& self) { return "Calibration(" + self.describe() + ")"; });
}

}  // namespace lmtx::python
