#include "lmtx/eval/decision_rule.h"

#include <pybind11/stl.h>

#include <map>

#include "numbers.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

using OptionalNumbers = std::optional<Numbers>;
using OptionalIntegers = std::optional<Integers>;
using Groups = std::map<std::string, std::vector<int64_t>>;

const DecisionOptions defaults;

// The arrays that DecisionPairs look into.
struct Pairs {
  const Numbers& scores;
  const Numbers& gold;
  const OptionalNumbers& weights;
  const OptionalIntegers& documents;
  const OptionalIntegers& labels;

  DecisionPairs pairs() const {
    return {.scores = view(scores), .gold = view(gold), .weights = view(weights), .documents = view(documents), .labels = view(labels)};
  }
};

DecisionOptions make_options(int64_t k_most, double confidence, const Groups& groups, const Text& judge, bool calibrate, uint64_t seed) {
  DecisionOptions options{.k_most = k_most, .confidence = confidence, .groups = {}, .judge = judge.utf8, .calibrate = calibrate, .seed = seed};
  for (const auto& [name, labels] : groups) options.groups.push_back({.name = name, .labels = labels});
  return options;
}

DecisionRule by_precision(const Numbers& scores, const Numbers& gold, double target, const OptionalNumbers& weights, const OptionalIntegers& documents,
                          const OptionalIntegers& labels, int64_t k_most, double confidence, const Groups& groups, const Text& judge, bool calibrate,
                          uint64_t seed) {
  const DecisionPairs pairs = Pairs{scores, gold, weights, documents, labels}.pairs();
  const DecisionOptions options = make_options(k_most, confidence, groups, judge, calibrate, seed);
  py::gil_scoped_release release;
  return DecisionRule::by_precision(pairs, target, options);
}

DecisionRule by_f1(const Numbers& scores, const Numbers& gold, const OptionalNumbers& weights, const OptionalIntegers& documents,
                   const OptionalIntegers& labels, int64_t k_most, double confidence, const Groups& groups, const Text& judge, bool calibrate, uint64_t seed) {
  const DecisionPairs pairs = Pairs{scores, gold, weights, documents, labels}.pairs();
  const DecisionOptions options = make_options(k_most, confidence, groups, judge, calibrate, seed);
  py::gil_scoped_release release;
  return DecisionRule::by_f1(pairs, options);
}

DecisionRule by_number(const Numbers& scores, const Numbers& gold, double number, const OptionalNumbers& weights, const OptionalIntegers& documents,
                       const OptionalIntegers& labels, int64_t k_most, double confidence, const Groups& groups, const Text& judge, bool calibrate,
                       uint64_t seed) {
  const DecisionPairs pairs = Pairs{scores, gold, weights, documents, labels}.pairs();
  const DecisionOptions options = make_options(k_most, confidence, groups, judge, calibrate, seed);
  py::gil_scoped_release release;
  return DecisionRule::by_number(pairs, number, options);
}

DecisionRule by_coverage(const Numbers& scores, const Numbers& gold, double coverage, const OptionalNumbers& weights, const OptionalIntegers& documents,
                         const OptionalIntegers& labels, int64_t k_most, double confidence, const Groups& groups, const Text& judge, bool calibrate,
                         uint64_t seed) {
  const DecisionPairs pairs = Pairs{scores, gold, weights, documents, labels}.pairs();
  const DecisionOptions options = make_options(k_most, confidence, groups, judge, calibrate, seed);
  py::gil_scoped_release release;
  return DecisionRule::by_coverage(pairs, coverage, options);
}

py::array_t<bool> keeps(const DecisionRule& rule, const Integers& labels, const Numbers& scores) {
  if (labels.size() != scores.size()) {
    throw std::invalid_argument("`labels` and `scores` must have the same length, but have " + std::to_string(labels.size()) + " and " +
                                std::to_string(scores.size()) + ".");
  }
  py::array_t<bool> kept(labels.size());
  for (py::ssize_t i = 0; i < labels.size(); ++i) kept.mutable_data()[i] = rule.keeps(labels.data()[i], scores.data()[i]);
  return kept;
}

std::optional<py::array_t<double>> probabilities(const DecisionRule& rule, const Numbers& scores) {
  if (!rule.calibration()) return std::nullopt;
  std::vector<double> found;
  for (const double score : view(scores)) found.push_back(*rule.probability(score));
  return to_array(found);
}

void register_cut(py::module_& m) {
  py::class_<DecisionCut>(m, "DecisionCut", R"(From which score up labels become tags, and what that was found on. Immutable.

Example:
    >>> rule = lmtx.DecisionRule.by_precision([0.9, 0.2], [1, 0], 0.9)
    >>> rule.cuts[0]
    DecisionCut(score=inf, thin, 2 pairs)
    >>> rule.cuts[0].pairs_needed
    36)")
      .def_readonly("group", &DecisionCut::group, "str: the name of its group; empty for the common cut.")
      .def_readonly("labels", &DecisionCut::labels, "list of int: the group's label numbers; empty for the common cut.")
      .def_readonly("score", &DecisionCut::score, "float: labels with this score or a higher one become tags; inf: none, -inf: all candidates.")
      .def_readonly(
          "estimate", &DecisionCut::estimate,
          "Interval: what the aim is about (precision, F1, tags a document, share of true labels returned) at this cut; where no cut meets it, of the "
          "best one.")
      .def_readonly("fresh", &DecisionCut::fresh, "Interval: for precision, what as many fresh texts would show; wider than `estimate`. Else NaN.")
      .def_readonly("pairs", &DecisionCut::pairs, "int: candidates whose truth is known.")
      .def_readonly("yeses", &DecisionCut::yeses, "int: the true ones among them.")
      .def_readonly("documents", &DecisionCut::documents, "int: their documents; for coverage those with a true label.")
      .def_readonly("pairs_needed", &DecisionCut::pairs_needed, "int: pairs that would be needed; 0: does not matter.")
      .def_readonly("documents_needed", &DecisionCut::documents_needed, "int: documents that would be needed; 0: does not matter.")
      .def_readonly("met", &DecisionCut::met, "bool: the aim is met.")
      .def_property_readonly("thin", &DecisionCut::thin, "bool: the evidence is less than what is needed.")
      .def("__repr__", [](const DecisionCut& cut) {
        return py::str("DecisionCut({}score={:.4g}{}, {:,} pairs)")
            .format(cut.group.empty() ? py::str("") : py::str("group={!r}, ").format(cut.group), cut.score,
                    cut.thin() ? ", thin"
                    : cut.met  ? ""
                               : ", not met",
                    cut.pairs);
      });
}

template <class Function, class... Arguments>
void def_fit(py::class_<DecisionRule>& rule, const char* name, Function function, const char* doc, const Arguments&... arguments) {
  rule.def_static(name, function, py::arg("scores"), py::arg("gold"), arguments..., py::kw_only(), py::arg("weights") = py::none(),
                  py::arg("documents") = py::none(), py::arg("labels") = py::none(), py::arg("k_most") = defaults.k_most,
                  py::arg("confidence") = defaults.confidence, py::arg("groups") = Groups(), py::arg("judge") = "", py::arg("calibrate") = defaults.calibrate,
                  py::arg("seed") = defaults.seed, doc);
}

void def_fits(py::class_<DecisionRule>& rule) {
  rule.def_static("top", &DecisionRule::top, py::arg("k"), R"(The k best labels. ValueError for k below 1.

Example:
    >>> lmtx.DecisionRule.top(3)
    DecisionRule(the 3 best labels))");
  def_fit(rule, "by_precision", &by_precision,
          R"(The lowest cut at which the precision of all tags together is at least `target` with that confidence, however documents are drawn.

Where no cut qualifies nothing becomes a tag, and `describe()` says how near the best one came.

Args:
    scores: Cosines, as Tag.score; -inf for a true label that was not among its document's candidates: float64 [num_pairs].
    gold: 1 where the label fits, else 0; None or NaN where that is not known: float64 [num_pairs].
    target: Between 0 and 1.
    weights: How many pairs each stands for, where the sample is not even: float64 [num_pairs].
    documents: Which document each pair is about, by any number; None: each about another one: int64 [num_pairs].
    labels: Which label, by its number; needed for groups: int64 [num_pairs].
    k_most: Tags a text at most; of each document so many candidates count, the best.
    confidence: One-sided, of the promise and of intervals.
    groups: By name the numbers of labels that get a cut of their own where there is evidence enough.
    judge: The identity of the teacher whose verdicts `gold` is; empty: what is true.
    calibrate: Fit a calibration, too, for Tag.probability.
    seed: Draws the calibration's parts and the bootstrap's documents.

Raises:
    ValueError: For lists of unequal lengths, values or options out of range, and groups that share a label.

Example:
    >>> draw = np.random.default_rng(0)
    >>> scores = draw.random(400)
    >>> rule = lmtx.DecisionRule.by_precision(scores, draw.random(400) < scores**0.1, 0.9)
    >>> rule.kind, rule.aim, rule.gives_tags, rule.thin
    ('precision', 0.9, True, False)
    >>> rule.keeps([7, 7], [0.95, 0.001])
    array([ True, False]))",
          py::arg("target") = 0.9);
  def_fit(rule, "by_f1", &by_f1, R"(The cut whose tags have the highest F1, pairs of all documents together.

Args and errors as in `by_precision`.

Example:
    >>> draw = np.random.default_rng(0)
    >>> scores = draw.random(400)
    >>> lmtx.DecisionRule.by_f1(scores, scores > 0.7).cuts[0].estimate.value
    1.0)");
  def_fit(rule, "by_number", &by_number,
          R"(The lowest cut with `number` tags a document at most, on average: gold need not be known, but of each document all candidates.

Args and errors as in `by_precision`; with groups, that many tags of each, and of all other labels together.

Example:
    >>> scores, documents = np.linspace(0, 1, 400), np.arange(400) % 40
    >>> rule = lmtx.DecisionRule.by_number(scores, [None] * 400, 2, documents=documents)
    >>> int(rule.keeps(documents, scores).sum())
    80)",
          py::arg("number"));
  def_fit(rule, "by_coverage", &by_coverage,
          R"(The highest cut that returns at least a share `coverage` of a text's true labels, on average over texts: conformal risk control.

All true labels of a document must be among its pairs, with -inf where they were no candidates.

Args and errors as in `by_precision`.

Example:
    >>> scores = np.linspace(0, 1, 400)
    >>> rule = lmtx.DecisionRule.by_coverage(scores, scores > 0.2, 0.95)
    >>> round(rule.cuts[0].score, 2), rule.cuts[0].met
    (0.24, True))",
          py::arg("coverage") = 0.9);
}

}  // namespace

void register_decision_rule(py::module_& m) {
  register_cut(m);
  py::class_<DecisionRule> rule(m, "DecisionRule", R"(How many of the ranked labels become tags. Immutable.

Example:
    >>> tagger = lmtx.Tagger.load('tagger').with_rule(lmtx.DecisionRule.top(2))
    >>> len(tagger.tag('tax'))
    2)");
  def_fits(rule);
  rule.attr("fewest_gold") = DecisionRule::fewest_gold;
  rule.def_property_readonly(
          "kind", [](const DecisionRule& self) { return to_string(self.kind()); }, "str: 'top', 'precision', 'f1', 'number' or 'coverage'.")
      .def_property_readonly("k", &DecisionRule::k, "int: tags a text at most.")
      .def_property_readonly("aim", &DecisionRule::aim, "float: the target precision, number of tags or coverage; NaN for the other kinds.")
      .def_property_readonly("confidence", &DecisionRule::confidence, "float: of the promise and of intervals, one-sided.")
      .def_property_readonly("judge", &DecisionRule::judge, "str: the identity of the teacher by whose verdicts it was fitted; empty: by gold.")
      .def_property_readonly("cuts", &DecisionRule::cuts, "list of DecisionCut: the common one, then those of groups.")
      .def_property_readonly("thin", &DecisionRule::thin, "bool: some evidence is less than what is needed; `describe()` says how much is.")
      .def_property_readonly("gives_tags", &DecisionRule::gives_tags, "bool: some text may have tags.")
      .def_property_readonly(
          "calibration", [](const DecisionRule& self) { return self.calibration() ? std::optional(*self.calibration()) : std::nullopt; },
          "Calibration of (1 + score) / 2, or None where there were too few yeses or noes.")
      .def("with_calibration", &DecisionRule::with_calibration, py::arg("calibration"), R"(The same rule with another calibration, of (1 + score) / 2.

Example:
    >>> calibration = lmtx.Calibration.shift([0.9, 0.4], 0.2)
    >>> lmtx.DecisionRule.top(3).with_calibration(calibration).calibration == calibration
    True)")
      .def("keeps", &keeps, py::arg("labels"), py::arg("scores"),
           R"(Which candidates, among the `k` best of their texts, become tags: bool [num_pairs]. ValueError for lists of unequal lengths.

Args:
    labels: Label numbers: int64 [num_pairs].
    scores: Cosines: float64 [num_pairs].

Example:
    >>> lmtx.DecisionRule.top(3).keeps([0, 1], [0.5, -0.5])
    array([ True,  True]))")
      .def("probabilities", &probabilities, py::arg("scores"), R"(Of labels with these scores being right, float64 [num_scores]; None without a calibration.

Args:
    scores: Cosines: float64 [num_scores].

Example:
    >>> calibration = lmtx.Calibration.shift([0.9, 0.4], 0.2)
    >>> lmtx.DecisionRule.top(3).with_calibration(calibration).probabilities([0.8, -0.2]).round(2)
    array([0.36, 0.04]))")
      .def("describe", &DecisionRule::describe, R"(str: what becomes a tag, what is promised by whom, and where the evidence is too thin what would be needed.

Example:
    >>> print(lmtx.DecisionRule.by_precision([0.9, 0.2], [1, 0], 0.9).describe())
    no label: too little evidence for precision of at least 0.9 on only 2 gold pairs with 97.5 % confidence, which needs 36 pairs (precision seen 1 (...; 2 judged pairs, 1 yes, 2 documents))")
      .def("__repr__", [](const DecisionRule& self) { return "DecisionRule(" + self.describe() + ")"; });
}

}  // namespace lmtx::python
