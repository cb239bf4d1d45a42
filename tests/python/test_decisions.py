"""How many tags: rules against NumPy, with a tagger, and on the command line."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import lmtx
from test_cli import lmtx_command, refusal

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "benchmarks" / folder) for folder in ("", "quality")]


def draw(rng, num_documents, k=10, power=0.4):
    """Scores with ties, the truth likelier the higher the score."""
    scores = rng.integers(0, 41, num_documents * k) / 40
    documents = np.repeat(np.arange(num_documents), k)
    luck = rng.uniform(0.7, 1, num_documents)[documents]
    return scores, (rng.random(len(scores)) < luck * scores**power).astype(float), documents


def lower_bound(gold, documents, confidence):
    """Clopper and Pearson's at the effective sample size of a ratio of sums over documents."""
    yes = np.array([gold[documents == d].sum() for d in np.unique(documents)])
    all_ = np.array([(documents == d).sum() for d in np.unique(documents)])
    p = yes.sum() / all_.sum()
    size = all_.sum() ** 2 / (all_**2).sum()
    if len(yes) > 1 and 0 < p < 1:
        variance = ((yes - p * all_) ** 2).sum() / all_.sum() ** 2 * len(yes) / (len(yes) - 1)
        size = min(p * (1 - p) / variance, all_.sum())
    return stats.beta.ppf(1 - confidence, p * size, size - p * size + 1) if p else 0.0


@pytest.mark.parametrize("target", [0.55, 0.65, 0.75])
def test_the_cut_by_precision_is_the_lowest_that_qualifies(rng, target):
    scores, gold, documents = draw(rng, 120)
    bounds = {cut: lower_bound(gold[scores >= cut], documents[scores >= cut], 0.95) for cut in np.unique(scores)}
    qualifying = [cut for cut, bound in bounds.items() if bound >= target]
    cut = lmtx.DecisionRule.by_precision(scores, gold, target, documents=documents, confidence=0.95).cuts[0]
    assert cut.score == (min(qualifying) if qualifying else np.inf)
    assert cut.estimate.low == pytest.approx(bounds[cut.score] if qualifying else max(bounds.values()), rel=1e-6)


def test_the_cut_by_f1_is_the_best(rng):
    scores, gold, documents = draw(rng, 60, power=2)
    f1 = {cut: 2 * gold[scores >= cut].sum() / ((scores >= cut).sum() + gold.sum()) for cut in np.unique(scores)}
    cut = lmtx.DecisionRule.by_f1(scores, gold, documents=documents).cuts[0]
    assert f1[cut.score] == max(f1.values()) == pytest.approx(cut.estimate.value)


def test_probabilities_come_from_a_calibration_of_half_the_score_and_a_half(rng):
    scores, gold, documents = draw(rng, 50)
    rule = lmtx.DecisionRule.by_f1(scores, gold, documents=documents)
    expected = lmtx.Calibration.fit((1 + scores) / 2, gold, documents=documents).apply([0.5, 0.75, 1.0])
    np.testing.assert_allclose(rule.probabilities([0.0, 0.5, 1.0]), expected, atol=1e-3)
    assert lmtx.DecisionRule.top(3).probabilities([0.5]) is None


def test_groups_are_given_by_name(rng):
    scores, gold, documents = draw(rng, 100)
    labels = np.arange(len(scores)) % 10
    rule = lmtx.DecisionRule.by_precision(scores, gold, 0.6, documents=documents, labels=labels, groups={"first": [0, 1, 2], "none": [99]})
    assert [cut.group for cut in rule.cuts] == ["", "first"] and rule.cuts[1].labels == [0, 1, 2]
    first = labels < 3
    alone = lmtx.DecisionRule.by_precision(scores[first], gold[first], 0.6, documents=documents[first])
    assert rule.cuts[1].score == alone.cuts[0].score
    np.testing.assert_array_equal(rule.keeps(labels, scores), scores >= np.where(first, rule.cuts[1].score, rule.cuts[0].score))
    with pytest.raises(ValueError, match="`labels` must say which label each pair is about"):
        lmtx.DecisionRule.by_f1(scores, gold, groups={"first": [0]})


@pytest.fixture(scope="module")
def tagger(tagger_folder):
    return lmtx.Tagger.load(tagger_folder)


@pytest.fixture(scope="module")
def documents(data):
    return list(lmtx.Corpus.open(data / "train.jsonl"))  # Those that the verdicts are about.


def test_a_rule_is_fitted_to_documents_and_applied(tagger, documents, data, tmp_path):
    gold = lmtx.read_gold(data / "verdicts.jsonl")
    rule = lmtx.fit_rule(tagger, documents, gold=gold, precision=0.5)
    fitted = tagger.with_rule(rule)
    tags = fitted.tag(documents=documents)
    ranked = tagger.tag(documents=documents, k=100)
    assert [[tag.uid for tag in row] for row in tags] == [[tag.uid for tag in row if tag.score >= rule.cuts[0].score] for row in ranked]
    assert all(0 <= tag.probability <= 1 for row in tags for tag in row)
    assert all(tag.probability is None for row in ranked for tag in row)
    fitted.save(tmp_path / "tagger")
    assert lmtx.Tagger.load(tmp_path / "tagger").rule.describe() == rule.describe()


def test_gold_counts_before_verdicts_where_there_is_enough(tagger, documents, data):
    verdicts = lmtx.read_verdicts(data / "verdicts.jsonl")
    known = lmtx.read_gold(data / "verdicts.jsonl")
    few = lmtx.Gold(dict(list(known.pairs.items())[:200]))
    assert lmtx.fit_rule(tagger, documents, gold=known, verdicts=verdicts, f1=True).judge == ""
    by_teacher = lmtx.fit_rule(tagger, documents, gold=few, verdicts=verdicts, precision=0.5)
    assert by_teacher.judge == verdicts.identity == "perfect/1"
    assert "by the teacher `perfect/1`" in by_teacher.describe()
    assert "on only 200 gold pairs" in lmtx.fit_rule(tagger, documents, gold=few, precision=0.5).describe()


def test_true_labels_that_are_no_candidates_count_as_missed(tagger, documents, data):
    gold = lmtx.read_gold(data / "verdicts.jsonl")
    evidence = lmtx.decision_evidence(tagger, documents, gold, k_most=1)
    outside = np.isneginf(evidence.scores)
    judged = {document for document, _ in gold.pairs}
    assert (evidence.gold[outside] == 1).all() and (~outside).sum() == sum(document.uid in judged for document in documents)
    yes = sum(gold.pairs.get((document.uid, label.uid), False) for document in documents for label in tagger.labels)
    assert (evidence.gold == 1).sum() == yes


def test_wrong_requests_are_refused(tagger, documents, data):
    gold = lmtx.read_gold(data / "verdicts.jsonl")
    with pytest.raises(ValueError, match="give one aim, precision, f1, number or coverage, but none came"):
        lmtx.fit_rule(tagger, documents, gold=gold)
    with pytest.raises(ValueError, match="but precision and number came"):
        lmtx.fit_rule(tagger, documents, gold=gold, precision=0.9, number=2)
    with pytest.raises(ValueError, match="give `gold` or `verdicts`"):
        lmtx.fit_rule(tagger, documents, precision=0.9)
    with pytest.raises(ValueError, match="nothing is known of any of the documents"):
        lmtx.fit_rule(tagger, documents, gold=lmtx.Gold({("elsewhere", "l-tax"): True}), precision=0.9)


def test_the_command_makes_a_tagger_with_the_rule(tagger_folder, data, tmp_path):
    arguments = ["decide", tagger_folder, "--documents", data / "test.jsonl", "--out", tmp_path / "out"]
    result = lmtx_command(*arguments, "--gold", data / "verdicts.jsonl", "--number", 2, "--json", "--quiet")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    made = lmtx.Tagger.load(tmp_path / "out")
    assert (told["rule"], told["aim"], told["thin"]) == ("number", 2, True) and told["describe"] == made.rule.describe()
    result = lmtx_command(*arguments, "--store", data / "verdicts.jsonl", "--precision", 0.9)
    assert result.returncode == 0 and "by the teacher `perfect/1`" in result.stdout
    result = lmtx_command(*arguments, "--gold", data / "verdicts.jsonl", "--top", 2)
    assert result.stdout == f"{tmp_path / 'out'}: the 2 best labels\n"
    assert all(tag.probability is not None for tag in lmtx.Tagger.load(tmp_path / "out").tag("tax"))
    assert "give --gold FILE or --store FILE" in refusal(*arguments, "--f1")
    assert "give one of --precision, --f1, --number, --coverage and --top, but none came" in refusal(*arguments, "--gold", data / "verdicts.jsonl")


def test_the_simulation_fits_one_half_and_measures_on_the_other(rng):
    import decisions
    from candidates import Candidates

    scores, gold, _ = draw(rng, 200)
    labels = np.argsort(rng.random((200, 10)), axis=1)
    candidates = Candidates(labels, scores.reshape(200, 10), gold.reshape(200, 10) == 1, rng.integers(0, 2, 200))
    first, second = decisions.halves(200, 3)
    assert sorted([*first, *second]) == list(range(200))
    rule, value, tags = decisions.try_split("precision", 0.6, candidates, 3)
    kept = candidates.scores[second] >= rule.cuts[0].score
    assert value == pytest.approx(candidates.true[second][kept].mean()) and tags == kept.sum() / 100
    row = {"set": "a", "rule": "precision", "aim": 0.6, **decisions.measure("precision", 0.6, candidates, 20)}
    assert row["with_tags"] == 20 and decisions.fault_of(row) is None
    assert decisions.fault_of({**row, "kept": 17}) == "kept in 17 of the 20 splits that return tags"
    covered = decisions.measure("coverage", 0.5, candidates, 20)
    assert covered["mean"] == pytest.approx(0.5, abs=0.05)
    assert decisions.fault_of({"set": "a", "rule": "coverage", "aim": 0.5, **covered, "mean": 0.4}) == "covers 0.4 on average"
