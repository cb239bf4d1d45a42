"""Calibration, audits, agreement and combination, compared with scikit-learn; verdicts beside gold; probes."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

import lmtx
import tiny
from lmtx.cli.trust import MEASURES, audit_as_json

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "teachers" / "audit.py"


def judged(rng, n, *, steps=None, weighted=False):
    """Scores, in steps so that they tie, with gold that they tell something of."""
    scores = rng.random(n) if steps is None else rng.integers(0, steps + 1, n) / steps
    gold = (rng.random(n) < 0.1 + 0.6 * scores**2).astype(float)
    return scores, gold, rng.integers(0, 4, n) / 2 if weighted else None


def logits(scores):
    within = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.log(within / (1 - within))


class GivenScores(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its only feature."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return X[:, 0]

    def predict(self, X):
        return self.classes_[(X[:, 0] > 0).astype(int)]


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear to accept sample_weight")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("steps", [None, 10])
def test_platt_is_scikit_learns_sigmoid_calibration(rng, steps, weighted):
    scores, gold, weights = judged(rng, 400, steps=steps, weighted=weighted)
    x = logits(scores)[:, None]
    theirs = CalibratedClassifierCV(FrozenEstimator(GivenScores().fit(x, gold)), method="sigmoid").fit(x, gold, sample_weight=weights)
    at = np.linspace(0, 1, 101)
    found = lmtx.Calibration.platt(scores, gold, weights=weights).apply(at)
    np.testing.assert_allclose(found, theirs.predict_proba(logits(at)[:, None])[:, 1], atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_platt_is_a_logistic_regression_on_platts_targets(rng, weighted):
    scores, gold, weights = judged(rng, 300, weighted=weighted)
    w = np.ones(300) if weights is None else weights
    yes, no = w[gold == 1].sum(), w[gold == 0].sum()
    targets = np.where(gold == 1, (yes + 1) / (yes + 2), 1 / (no + 2))
    # A target between 0 and 1 is two pairs, a yes and a no, that share the weight.
    x, y = np.tile(logits(scores), 2)[:, None], np.repeat([1, 0], 300)
    fit = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky").fit(x, y, sample_weight=np.concatenate([w * targets, w * (1 - targets)]))
    found = lmtx.Calibration.platt(scores, gold, weights=weights).apply(np.linspace(0, 1, 101))
    np.testing.assert_allclose(found, fit.predict_proba(logits(np.linspace(0, 1, 101))[:, None])[:, 1], atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("steps", [None, 10])
@pytest.mark.parametrize("n", [30, 2000])
def test_isotonic_is_scikit_learns(rng, n, steps, weighted):
    scores, gold, weights = judged(rng, n, steps=steps, weighted=weighted)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, gold, sample_weight=weights)
    at = np.concatenate([scores, np.linspace(0, 1, 1001)])
    np.testing.assert_allclose(lmtx.Calibration.isotonic(scores, gold, weights=weights).apply(at), theirs.predict(at), atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cut", [0.3, 0.5])
def test_an_audit_is_scikit_learns_metrics(rng, cut, weighted):
    scores, gold, weights = judged(rng, 500, steps=20, weighted=weighted)
    found, yes = lmtx.audit_scores(scores, gold, weights=weights, cut=cut, resamples=2), scores >= cut
    w = {"sample_weight": weights}
    expected = {
        "precision": metrics.precision_score(gold, yes, **w),
        "recall": metrics.recall_score(gold, yes, **w),
        "specificity": metrics.recall_score(gold, yes, pos_label=0, **w),
        "f1": metrics.f1_score(gold, yes, **w),
        "accuracy": metrics.accuracy_score(gold, yes, **w),
        "auc": metrics.roc_auc_score(gold, scores, **w),
        "brier": metrics.brier_score_loss(gold, scores, **w),
        "log_loss": metrics.log_loss(gold, scores, **w),
    }
    assert {name: getattr(found, name).value for name in expected} == pytest.approx(expected, abs=1e-9)
    assert [[found.true_no, found.false_yes], [found.false_no, found.true_yes]] == pytest.approx(metrics.confusion_matrix(gold, yes, **w), abs=1e-9)


def test_reliability_bins_are_scikit_learns_calibration_curve(rng):
    for scores, gold, _ in [judged(rng, 300), judged(rng, 300, steps=10)]:
        found = [each for each in lmtx.audit_scores(scores, gold, resamples=1).bins if each.weight]
        share_true, mean_score = calibration_curve(gold, scores, n_bins=10)
        np.testing.assert_allclose([each.share_true for each in found], share_true, atol=1e-9)
        np.testing.assert_allclose([each.mean_score for each in found], mean_score, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_kappa_is_scikit_learns(rng, weighted):
    first, _, weights = judged(rng, 300, weighted=weighted)
    second = np.clip(first + 0.3 * rng.standard_normal(300), 0, 1)
    found = lmtx.agreement_of_scores(first, second, weights=weights, first_cut=0.4, second_cut=0.6)
    assert found.kappa.value == pytest.approx(metrics.cohen_kappa_score(first >= 0.4, second >= 0.6, sample_weight=weights), abs=1e-9)
    assert found.kappa.low < found.kappa.value < found.kappa.high


def test_a_fitted_combination_is_scikit_learns_logistic_regression(rng):
    scores = rng.random([400, 3])
    gold = (rng.random(400) < 0.2 + 0.6 * scores[:, 0]).astype(float)
    x = logits(scores)
    theirs = LogisticRegression(C=1, tol=1e-12, solver="newton-cholesky").fit(x - x.mean(0), gold)
    at = rng.random([50, 3])
    np.testing.assert_allclose(lmtx.Combination.fit(scores, gold).apply(at), theirs.predict_proba(logits(at) - x.mean(0))[:, 1], atol=1e-9)


def test_abstentions_may_be_none(rng):
    scores, gold, _ = judged(rng, 100)
    with_none = [None if i < 10 else float(score) for i, score in enumerate(scores)]
    assert lmtx.Calibration.platt(with_none, gold) == lmtx.Calibration.platt(scores[10:], gold[10:])
    assert lmtx.audit_scores(with_none, gold).abstained == 10


# Verdicts beside gold


VERDICTS = lmtx.Verdicts("llm/1", {("d1", "a"): 0.9, ("d1", "b"): 0.4, ("d2", "a"): None, ("d2", "c"): 0.7, ("d3", "a"): 0.1})


def lines(*objects):
    return "".join(json.dumps(item) + "\n" for item in objects)


GOLD_FILES = {
    "gold.csv": "document,label,yes,weight\nd1,a,1,2\nd1,b,0,\nd2,a,1,\nd9,a,1,\n",
    "gold.tsv": "label\tyes\tdocument\tweight\na\ttrue\td1\t2\nb\tno\td1\t\na\tyes\td2\t\na\t1\td9\t1.0\n",
    "gold.jsonl": lines(
        {"document": "d1", "label": "a", "yes": True, "weight": 2}, {"document": "d1", "label": "b", "yes": 0}, {"document": "d2", "label": "a", "yes": 1},
        {"document": "d9", "label": "a", "yes": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLD_FILES)
@pytest.mark.parametrize("zipped", [False, True])
def test_gold_is_read_from_tables_and_json_lines(tmp_path, name, zipped):
    file = tmp_path / (f"{name}.gz" if zipped else name)
    file.write_bytes(gzip.compress(GOLD_FILES[name].encode()) if zipped else GOLD_FILES[name].encode())
    gold = lmtx.read_gold(file)
    assert gold.pairs == {("d1", "a"): True, ("d1", "b"): False, ("d2", "a"): True, ("d9", "a"): True}
    assert gold.weights == {("d1", "a"): 2}
    match = lmtx.match_gold(VERDICTS, gold)
    assert match.pairs == [("d1", "a"), ("d1", "b"), ("d2", "a")]
    np.testing.assert_array_equal(match.scores, [0.9, 0.4, np.nan])
    np.testing.assert_array_equal(match.gold, [1, 0, 1])
    np.testing.assert_array_equal(match.weights, [2, 1, 1])
    np.testing.assert_array_equal(match.documents, [0, 0, 1])
    assert (match.unjudged, match.audit().abstained) == (1, 1)


def test_a_table_may_have_no_names(tmp_path):
    file = tmp_path / "gold.csv"
    file.write_text('d1,"a, b",1\nd2,c,0\n')
    assert lmtx.read_gold(file).pairs == {("d1", "a, b"): True, ("d2", "c"): False}


def test_gold_is_read_from_recordings_and_documents(tmp_path):
    recording = tiny.write_lines(
        tmp_path / "gold.jsonl", [{"format": 1, "identity": "people"}, {"uid": "d1", "labels": ["a", "b", "c"], "scores": [1, 0.2, None]}]
    )
    assert lmtx.read_gold(recording).pairs == {("d1", "a"): True, ("d1", "b"): False}
    tiny.write_lines(tmp_path / "labels.jsonl", [{"uid": uid, "title": uid} for uid in "abc"])
    documents = tiny.write_lines(
        tmp_path / "test.jsonl", [{"uid": "d1", "content": "x", "target_ind": [0, 2]}, {"uid": "d2", "content": "y", "target_ind": [1]}]
    )
    gold = lmtx.read_gold(documents)
    assert [gold.truth("d1", label) for label in "abc"] == [True, False, True]
    assert gold.truth("d3", "a") is None
    np.testing.assert_array_equal(lmtx.match_gold(VERDICTS, gold).gold, [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; gold is recorded verdicts"),
        ("d1,a\n", r":1: a line must have a document, a label and yes \(1 or 0\), but has 2 columns"),
        ("document,label,yes\nd1,a,maybe\n", r":2: `yes` must be 1 or 0, but is 'maybe' instead"),
        ("d1,a,1,-3\n", r":1: `weight` must be a number from 0 up, but is '-3' instead"),
        ("d1,a,1\nd1,a,0\n", r":2: document 'd1', label 'a' is both yes and no"),
        ('{"document": "d1", "label": "a"}\n', r":1: `yes` must be 1 or 0, but is None instead"),
        ('{"document": "d1", "label": "a", "yes": 1}\n{"document"\n', r":2: broken JSON"),
        ('{"text": "d1"}\n', r":1: gold must be .*, but this line has 'text'"),
    ],
)
def test_what_is_no_gold_is_refused(tmp_path, text, message):
    file = tmp_path / "gold"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        lmtx.read_gold(file)


def test_verdicts_are_read_from_recordings_and_stores(tmp_path, data):
    store = lmtx.JudgmentStore.open(tmp_path / "judgments.db")
    question = lmtx.Question(lmtx.Document("d1", content="x"), [lmtx.Label("a", "a"), lmtx.Label("b", "b")])
    with pytest.raises(ValueError, match="the store has no judgments"):
        lmtx.read_verdicts(store)
    store.put("llm/1", question, [0.9, None])
    assert lmtx.read_verdicts(store) == lmtx.Verdicts("llm/1", {("d1", "a"): 0.9, ("d1", "b"): None})
    assert lmtx.read_verdicts(tmp_path / "judgments.db").identity == "llm/1"
    store.put("llm/2", question, [0.1, 0.2])
    with pytest.raises(ValueError, match="has judgments of 2 teachers; say whose are meant: 'llm/1', 'llm/2'"):
        lmtx.read_verdicts(store)
    assert lmtx.read_verdicts(store, teacher="llm/2").scores["d1", "b"] == 0.2
    with pytest.raises(ValueError, match="has no judgments of 'llm/3'; it has those of"):
        lmtx.read_verdicts(store, teacher="llm/3")
    assert len(lmtx.read_verdicts(f"recorded:{data / 'verdicts.jsonl'}")) == 720
    with pytest.raises(ValueError, match="has verdicts of 'perfect/1' only"):
        lmtx.read_verdicts(data / "verdicts.jsonl", teacher="llm/1")


def test_pairs_that_nobody_knows_are_refused():
    with pytest.raises(ValueError, match="none of the 5 pairs with a verdict of 'llm/1' is in Gold"):
        lmtx.match_gold(VERDICTS, lmtx.Gold({("x", "a"): True}))
    with pytest.raises(ValueError, match="have no pair in common"):
        lmtx.compare_verdicts(VERDICTS, lmtx.Verdicts("llm/2", {("x", "a"): 1.0}))


def test_what_is_most_wrong_and_most_apart_comes_first():
    gold = lmtx.Gold({("d1", "a"): False, ("d1", "b"): True, ("d2", "a"): True, ("d3", "a"): False})
    assert lmtx.match_gold(VERDICTS, gold).most_wrong(2) == [(("d1", "a"), 0.9, False), (("d1", "b"), 0.4, True)]
    other = lmtx.Verdicts("llm/2", {("d1", "a"): 0.8, ("d1", "b"): 0.9, ("d2", "a"): 0.5, ("d3", "a"): 0.1})
    compared = lmtx.compare_verdicts(VERDICTS, other)
    assert compared.most_apart() == [(("d1", "b"), 0.4, 0.9), (("d1", "a"), 0.9, 0.8)]
    assert (compared.agreement.first_abstained, compared.agreement.both_yes, compared.agreement.second_only) == (1, 1, 1)


# Training with a calibration


def counted(asked):
    def ask(document, labels):
        asked.extend(labels)
        return [0.8 if label in document.split() else 0.3 for label in labels]

    return lmtx.CallbackOracle(ask, identity="counted/1")


def test_training_with_another_calibration_asks_nothing_again(model, data, tmp_path, fast):
    asked = []
    calibrations = [lmtx.Calibration.shift([0.8, 0.3, 0.3], rate).for_teacher("counted/1") for rate in (0.2, 0.4)]
    calibrations[1].save(tmp_path / "calibration.json")
    options = {"base": model, "progress": False, "store": tmp_path / "judgments.db", **fast, "cycles": 1}
    for i, calibration in enumerate([calibrations[0], tmp_path / "calibration.json"]):
        tagger = lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=counted(asked), calibration=calibration, out=tmp_path / f"run-{i}", **options)
        assert tagger.report.teacher == f"counted/1+{calibrations[i].identity()}"
        assert tagger.report.total.judgments == 300
        assert len(asked) == 300
    store = lmtx.JudgmentStore.open(tmp_path / "judgments.db")
    raw, first = (lmtx.read_verdicts(store, teacher=identity).scores for identity in ("counted/1", f"counted/1+{calibrations[0].identity()}"))
    assert set(raw.values()) == {0.8, 0.3}
    assert {score: first[pair] for pair, score in raw.items()} == dict(zip((0.8, 0.3), calibrations[0].apply([0.8, 0.3]), strict=True))


def test_a_calibration_of_another_teacher_is_refused(model, data, tmp_path):
    calibration = lmtx.Calibration.shift([0.8, 0.3], 0.2).for_teacher("other/1")
    with pytest.raises(ValueError, match="fitted to the teacher `other/1`, but the teacher is `counted/1`"):
        lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=counted([]), calibration=calibration, base=model, out=tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match="the run has no teacher"):
        lmtx.train(data / "train.jsonl", data / "labels.jsonl", calibration=calibration, preset="maclr", base=model, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_run_may_be_taught_by_several_teachers(model, data, tmp_path, fast):
    asked = []
    teachers = [counted(asked), lmtx.RecordedOracle.open(data / "verdicts.jsonl")]
    combined = lmtx.CombinedOracle(teachers, lmtx.Combination.mean([1, 3]), store=tmp_path / "judgments.db")
    tagger = lmtx.train(
        data / "train.jsonl",
        data / "labels.jsonl",
        teacher=combined,
        base=model,
        out=tmp_path / "run",
        store=tmp_path / "judgments.db",
        progress=False,
        **fast | {"cycles": 1},
    )
    assert tagger.report.teacher.endswith("(counted/1, perfect/1)")
    assert tagger.report.total.judgments == len(asked) == 300
    assert sorted(lmtx.JudgmentStore.open(tmp_path / "judgments.db").identities()) == sorted([combined.identity(), "counted/1", "perfect/1"])


def test_a_store_argument_is_a_store_a_path_or_nothing(tmp_path):
    teacher, calibration = counted([]), lmtx.Calibration.shift([0.8, 0.3], 0.2)
    question = lmtx.Question(lmtx.Document("d1", content="a tax"), [lmtx.Label("tax", "tax")])
    store = lmtx.JudgmentStore.open(tmp_path / "open.db")
    for argument in (store, tmp_path / "path.db", str(tmp_path / "str.db"), None):
        [[verdict]] = lmtx.ask_teacher(lmtx.CalibratedOracle(teacher, calibration, store=argument), [question]).verdicts
        assert verdict.value == calibration.apply([0.8])[0]
    assert store.size("counted/1") == 1 and (tmp_path / "path.db").exists() and (tmp_path / "str.db").exists()
    with pytest.raises(TypeError, match="`store` must be a JudgmentStore, a path or None, but is of type int instead"):
        lmtx.CalibratedOracle(teacher, calibration, store=3)


# Probes


def scored_by(rule, identity="probed/1"):
    return lmtx.CallbackOracle(lambda document, labels: [rule(document, label, i) for i, label in enumerate(labels)], identity=identity)


def flips(results):
    return {result.probe: result.flip_rate.value for result in results}


def test_a_teacher_that_minds_nothing_never_flips(data):
    teacher = scored_by(lambda document, label, i: float(label.split()[-1] in document.split()))
    results = lmtx.probe(
        teacher, data / "train.jsonl", data / "labels.jsonl", paraphrase=scored_by(lambda document, label, i: float(label not in document.split()), "other/1")
    )
    assert flips(results) == {"repeat": 0, "order": 0, "wording": 0, "paraphrase": 1}
    assert [(result.agreement.pairs, result.asked) for result in results] == [(200, 200)] * 4
    assert results[0].agreement.kappa.value == 1


def test_probes_see_what_a_teacher_minds(data, rng):
    def flip_rates(rule):
        return flips(lmtx.probe(scored_by(rule), data / "train.jsonl", data / "labels.jsonl", pairs=120, labels_per_document=4))

    by_place = flip_rates(lambda document, label, i: float(i < 2))
    assert by_place == {"repeat": 0, "order": 1, "wording": 0}
    by_wording = flip_rates(lambda document, label, i: float("subject" in label))
    assert by_wording == {"repeat": 0, "order": 0, "wording": 1}
    at_random = flip_rates(lambda document, label, i: rng.random())
    assert all(0.35 < rate < 0.65 for rate in at_random.values())


def test_probes_cost_what_the_store_does_not_have(data, tmp_path):
    asked = []
    run = {"documents": data / "train.jsonl", "labels": data / "labels.jsonl", "pairs": 50, "store": tmp_path / "probes.db"}
    first = lmtx.probe(counted(asked), probes=["repeat"], **run)
    assert (len(asked), first[0].asked) == (100, 50)
    again = lmtx.probe(counted(asked), probes=["repeat", "order"], **run)
    assert (len(asked), [result.asked for result in again]) == (150, [0, 50])
    assert lmtx.JudgmentStore.open(tmp_path / "probes.db").identities() == ["counted/1", "counted/1+probe-order", "counted/1+probe-repeat"]


def test_wrong_probes_are_refused_before_anything_is_asked(data):
    run = {"documents": data / "train.jsonl", "labels": data / "labels.jsonl"}
    asked = []
    with pytest.raises(ValueError, match="a probe must be repeat, order or wording, but is 'mood' instead"):
        lmtx.probe(counted(asked), probes=["mood"], **run)
    with pytest.raises(ValueError, match="the wording must hold {label}, but is 'it' instead"):
        lmtx.probe(counted(asked), wording="it", **run)
    with pytest.raises(ValueError, match="a probe needs at least 1 pair"):
        lmtx.probe(counted(asked), pairs=0, **run)
    assert not asked


def test_an_exception_of_a_teacher_comes_out_of_asking(tmp_path):
    def ask(document, labels):
        if "army" in document:
            raise KeyError("out of answers")
        return [True for _ in labels]

    questions = [lmtx.Question(lmtx.Document(uid, content=uid), [lmtx.Label("l", "l")]) for uid in ("tax", "army", "water")]
    with pytest.raises(KeyError, match="out of answers"):
        lmtx.ask_teacher(lmtx.CallbackOracle(ask, identity="failing/1"), questions, store=tmp_path / "kept.db")
    assert lmtx.JudgmentStore.open(tmp_path / "kept.db").size("failing/1") == 1


def test_asking_tells_how_far_it_is():
    events = []
    questions = [lmtx.Question(lmtx.Document(str(i), content=str(i)), [lmtx.Label("l", "l")]) for i in range(5)]
    lmtx.ask_teacher(counted([]), questions, on_event=events.append)
    assert [(event.stage, event.done, event.total) for event in events] == [("ask", i, 5) for i in range(1, 6)]


# What docs/trust.md shows


def test_the_page_shows_what_the_recorded_verdicts_are_worth():
    assert subprocess.run([sys.executable, BENCHMARK, "--check"], capture_output=True, check=False).returncode == 0, "python benchmarks/teachers/audit.py --fill-docs"
    example = BENCHMARK.parents[2] / "examples" / "us-bills-110"
    match = lmtx.match_gold(example / "verdicts.jsonl.gz", example / "gold.jsonl.gz")
    committed = json.loads((BENCHMARK.parent / "results" / "audit.json").read_text())
    found = audit_as_json(match.audit())
    assert {name: found[name] for name in MEASURES} == {name: pytest.approx(committed["audit"][name], abs=1e-9) for name in MEASURES}
    assert committed["audit"]["auc"]["value"] == pytest.approx(metrics.roc_auc_score(match.gold, match.scores), abs=1e-9)
