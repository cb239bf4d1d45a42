// Audits and agreement.
#include "lmtx/eval/audit.h"

#include <pybind11/stl.h>

#include "interrupts.h"
#include "lmtx/eval/agreement.h"
#include "numbers.h"
#include "register.h"

namespace lmtx::python {
namespace {

const AuditOptions audit_defaults;
const AgreementOptions agreement_defaults;

Audit audit_scores(const Numbers& scores, const Numbers& gold, const std::optional<Numbers>& weights, const std::optional<Integers>& documents, double cut,
                   int64_t bins, double level, int64_t resamples, uint64_t seed) {
  const GoldPairs pairs{.scores = view(scores), .gold = view(gold), .weights = view(weights), .documents = view(documents)};
  const AuditOptions options{.cut = cut, .bins = bins, .level = level, .resamples = resamples, .seed = seed};
  return run_long(py::none(), [&](const EventCallback&, const std::stop_token& stop) { return audit(pairs, options, stop); });
}

Agreement agreement_of_scores(const Numbers& first, const Numbers& second, const std::optional<Numbers>& weights, const std::optional<Integers>& documents,
                              double first_cut, double second_cut, double level, int64_t resamples, uint64_t seed) {
  const JudgedTwice pairs{.first = view(first), .second = view(second), .weights = view(weights), .documents = view(documents)};
  const AgreementOptions options{.first_cut = first_cut, .second_cut = second_cut, .level = level, .resamples = resamples, .seed = seed};
  return run_long(py::none(), [&](const EventCallback&, const std::stop_token& stop) { return agree(pairs, options, stop); });
}

void register_bin(py::module_& m) {
  py::class_<ReliabilityBin>(m, "ReliabilityBin", R"(Pairs whose score lies in (low, high]: what the teacher says there, and what is true. Immutable.

Example:
    >>> lmtx.audit_scores([.9, .8, .3, .7, .2, .1], [1, 1, 1, 0, 0, 0], bins=2).bins[1]
    ReliabilityBin(from 0.5 to 1: 3 pairs, mean score 0.8, 0.667 true))")
      .def_readonly("low", &ReliabilityBin::low, "float: its lower end; the first bin includes it.")
      .def_readonly("high", &ReliabilityBin::high, "float: its upper end, included.")
      .def_readonly("weight", &ReliabilityBin::weight, "float: the weights of its pairs, summed; their count where they have none.")
      .def_readonly("mean_score", &ReliabilityBin::mean_score, "float: NaN without pairs.")
      .def_readonly("share_true", &ReliabilityBin::share_true, "float: NaN without pairs.")
      .def("__repr__", [](const ReliabilityBin& bin) {
        return py::str("ReliabilityBin(from {:.3g} to {:.3g}: {:.4g} pairs, mean score {:.3g}, {:.3g} true)")
            .format(bin.low, bin.high, bin.weight, bin.mean_score, bin.share_true);
      });
}

void register_audit_class(py::module_& m) {
  py::class_<Audit>(m, "Audit", R"(How good a teacher's scores are, against pairs whose truth is known. Immutable.

Fractions over the pairs that have a score, each counted with its weight; NaN where there is nothing to divide by.

Example:
    >>> found = lmtx.audit_scores([.9, .8, .3, .7, .2, .1], [1, 1, 1, 0, 0, 0])
    >>> found
    Audit(6 pairs, precision 0.667, recall 0.667, AUC 0.889)
    >>> found.best_cut
    0.3)")
      .def_readonly("pairs", &Audit::pairs, "int: pairs, with and without a score.")
      .def_readonly("abstained", &Audit::abstained, "int: those without.")
      .def_readonly("documents", &Audit::documents, "int: documents that they are about.")
      .def_readonly("cut", &Audit::cut, "float: scores from here up are a yes.")
      .def_readonly("true_yes", &Audit::true_yes, "float: weight of the yeses that are right; a count where pairs have no weights.")
      .def_readonly("false_yes", &Audit::false_yes, "float: weight of the yeses that are wrong.")
      .def_readonly("false_no", &Audit::false_no, "float: weight of the noes that are wrong.")
      .def_readonly("true_no", &Audit::true_no, "float: weight of the noes that are right.")
      .def_readonly("precision", &Audit::precision, "Interval: of the yeses the true ones.")
      .def_readonly("recall", &Audit::recall, "Interval: of the true pairs those that got a yes.")
      .def_readonly("specificity", &Audit::specificity, "Interval: of the other pairs those that got a no.")
      .def_readonly("f1", &Audit::f1, "Interval: the harmonic mean of precision and recall.")
      .def_readonly("accuracy", &Audit::accuracy, "Interval: pairs with the right answer.")
      .def_readonly("auc", &Audit::auc, "Interval: the chance that a true pair scores above one that is not; ties count half.")
      .def_readonly("brier", &Audit::brier, "Interval: mean of (score - gold)^2.")
      .def_readonly("log_loss", &Audit::log_loss, "Interval: mean of -log of what the score gives to the truth.")
      .def_readonly("calibration_error", &Audit::calibration_error, "Interval: mean over the pairs of |mean score - share true| of their bin.")
      .def_readonly("yes_rate", &Audit::yes_rate, "Interval: pairs with a yes.")
      .def_readonly("gold_rate", &Audit::gold_rate, "Interval: true pairs.")
      .def_readonly("abstention_rate", &Audit::abstention_rate, "Interval: of all pairs those without a score.")
      .def_readonly("bins", &Audit::bins, "list[ReliabilityBin]: by rising score.")
      .def_readonly("best_cut", &Audit::best_cut, "float: the cut with the highest F1 on these very pairs, so a little too good to be true.")
      .def_readonly("best_f1", &Audit::best_f1, "float: that F1.")
      .def("__repr__", [](const Audit& audit) {
        return py::str("Audit({:,} pairs, precision {:.3g}, recall {:.3g}, AUC {:.3g})")
            .format(audit.pairs, audit.precision.value, audit.recall.value, audit.auc.value);
      });
}

void register_agreement_class(py::module_& m) {
  py::class_<Agreement>(m, "Agreement", R"(How far two judges of the same pairs agree. Immutable.

Fractions over the pairs that both gave a score, each counted with its weight; NaN where there is nothing to divide by.

Example:
    >>> lmtx.agreement_of_scores([.9, .8, .3, .7], [.8, .6, .2, .4])
    Agreement(4 pairs, 75 % agree, kappa 0.5))")
      .def_readonly("pairs", &Agreement::pairs, "int: all pairs.")
      .def_readonly("first_abstained", &Agreement::first_abstained, "int: pairs that only the first abstained from.")
      .def_readonly("second_abstained", &Agreement::second_abstained, "int: pairs that only the second abstained from.")
      .def_readonly("both_abstained", &Agreement::both_abstained, "int: pairs that both abstained from.")
      .def_readonly("both_yes", &Agreement::both_yes, "float: weight of the pairs that both say yes to; a count where pairs have no weights.")
      .def_readonly("first_only", &Agreement::first_only, "float: weight of those that only the first says yes to.")
      .def_readonly("second_only", &Agreement::second_only, "float: weight of those that only the second says yes to.")
      .def_readonly("both_no", &Agreement::both_no, "float: weight of those that both say no to.")
      .def_readonly("agreement", &Agreement::agreement, "Interval: the same side of the cut.")
      .def_readonly("kappa", &Agreement::kappa,
                    "Interval: agreement beyond chance (Cohen 1960): 1 is full, 0 chance; NaN where both always say the same one thing.")
      .def_readonly("difference", &Agreement::difference, "Interval: mean of |first - second|.")
      .def_readonly("lean", &Agreement::lean, "Interval: mean of first - second.")
      .def("__repr__", [](const Agreement& self) {
        return py::str("Agreement({:,} pairs, {:.3g} % agree, kappa {:.3g})").format(self.pairs, 100 * self.agreement.value, self.kappa.value);
      });
}

}  // namespace

void register_audit(py::module_& m) {
  register_bin(m);
  register_audit_class(m);
  register_agreement_class(m);
  m.def("audit_scores", &audit_scores, py::arg("scores"), py::arg("gold"), py::kw_only(), py::arg("weights") = py::none(), py::arg("documents") = py::none(),
        py::arg("cut") = audit_defaults.cut, py::arg("bins") = audit_defaults.bins, py::arg("level") = audit_defaults.level,
        py::arg("resamples") = audit_defaults.resamples, py::arg("seed") = audit_defaults.seed,
        R"(How good scores are against gold, with bootstrap intervals that draw documents.

Args:
    scores: In [0, 1], None or NaN where the teacher abstained: float64 [num_pairs].
    gold: 1 where the label fits, else 0: float64 [num_pairs].
    weights: How many pairs each stands for, where the sample is not even: float64 [num_pairs].
    documents: Which document each pair is about, by any number; None: each about another one: int64 [num_pairs].
    cut: Scores from here up are a yes.
    bins: Of equal width, for the calibration error.
    level, resamples, seed: As in `bootstrap_mean`.

Returns:
    Audit.

Raises:
    ValueError: For lists of unequal lengths, a score outside [0, 1], gold that is neither 0 nor 1, a wrong weight, or no pair.

Example:
    >>> lmtx.audit_scores([.9, .8, .3, .7, .2, None], [1, 1, 1, 0, 0, 0]).abstained
    1)");
  m.def("agreement_of_scores", &agreement_of_scores, py::arg("first"), py::arg("second"), py::kw_only(), py::arg("weights") = py::none(),
        py::arg("documents") = py::none(), py::arg("first_cut") = agreement_defaults.first_cut, py::arg("second_cut") = agreement_defaults.second_cut,
        py::arg("level") = agreement_defaults.level, py::arg("resamples") = agreement_defaults.resamples, py::arg("seed") = agreement_defaults.seed,
        R"(How far two judges of the same pairs agree, with bootstrap intervals that draw documents.

Args:
    first, second: Scores in [0, 1], None or NaN where that judge abstained: float64 [num_pairs].
    weights, documents: As in `audit_scores`.
    first_cut, second_cut: Scores from here up are a yes.
    level, resamples, seed: As in `bootstrap_mean`.

Returns:
    Agreement.

Raises:
    ValueError: For lists of unequal lengths, a score outside [0, 1], or a wrong weight.

Example:
    >>> lmtx.agreement_of_scores([.9, .8, .3, .7], [.8, .6, .2, .4]).kappa.value
    0.5)");
}

}  // namespace lmtx::python
