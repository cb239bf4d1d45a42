"""Taggers measured and compared on data folders, with propensities from wherever they are known."""

import json

import numpy as np
import pytest

import lmtx
import tiny
from lmtx.data import read_data
from lmtx.evaluation import METRICS, SCORED_METRICS, evaluate, evaluate_tagger, measure
from lmtx.propensities import read_propensities


@pytest.fixture(scope="module")
def taggers(tagger_folder, model):
    """A trained tagger, and one with the untouched encoder."""
    trained = lmtx.Tagger.load(tagger_folder)
    return trained, lmtx.Tagger.from_labels(lmtx.Encoder.load(model), trained.labels, settings=trained.settings)


def rankings(tagger, data):
    _, documents, targets = read_data(data, "test")
    return targets, [[tag.number for tag in tags] for tags in tagger.tag(list(documents), k=100)]


def test_a_tagger_is_measured_by_its_rankings(taggers, data):
    trained, _ = taggers
    result = evaluate_tagger(trained, data)
    assert (result["documents"], result["labels"], result["split"]) == (20, 12, "test")
    targets, ranked = rankings(trained, data)
    assert {name: result[name] for name in METRICS} == evaluate(targets, ranked)
    assert result["nDCG@5"]["value"] == pytest.approx(100 * lmtx.ndcg(targets, ranked, max_k=5)[4], abs=0.01)
    assert not SCORED_METRICS.keys() & result.keys()


def test_propensities_come_from_true_labels(taggers, data):
    trained, _ = taggers
    labels, _, targets = read_data(data, "test")
    result = evaluate_tagger(trained, data, propensities=read_propensities("gold:test", data, labels, 0.5, 0.4))
    assert result["propensity"] == {"source": "gold:test", "documents": 20, "a": 0.5, "b": 0.4}
    weights = lmtx.inverse_propensities(lmtx.label_frequencies(targets, num_labels=12), 20, a=0.5, b=0.4)
    _, ranked = rankings(trained, data)
    assert result["PSP@3"]["value"] == pytest.approx(100 * lmtx.psprecision(targets, ranked, weights, max_k=3)[2], abs=0.01)
    assert result["PSnDCG@5"]["value"] == pytest.approx(100 * lmtx.psndcg(targets, ranked, weights, max_k=5)[4], abs=0.01)
    assert result["PSP@1"]["low"] <= result["PSP@1"]["value"] <= result["PSP@1"]["high"]


def test_propensities_come_from_a_teachers_yeses(data):
    labels = read_data(data, "test")[0]
    estimated = read_propensities(f"recorded:{data / 'verdicts.jsonl'}", data, labels, 0.55, 1.5)
    yeses = [sum(topic in document["content"].split() for document in tiny.make_documents()) for topic in tiny.TOPICS]
    np.testing.assert_allclose(estimated.weights, lmtx.inverse_propensities(yeses, 60))
    assert estimated.description["documents"] == 60


def test_a_recording_counts_each_document_once(data, tmp_path):
    labels = read_data(data, "test")[0]
    rows = [
        {"format": 1, "identity": "t/1"},
        {"uid": "d1", "labels": ["l-tax", "l-army", "l-water"], "scores": [0.5, 0.49, None]},
        {"uid": "d1", "labels": ["l-tax"], "scores": [0.5]},
        {"uid": "d2", "labels": ["l-army"], "scores": [0]},
        {"uid": "d3", "labels": ["l-tax"], "scores": [1]},
    ]
    file = tiny.write_lines(tmp_path / "verdicts.jsonl", rows)
    estimated = read_propensities(f"recorded:{file}", data, labels, 0.55, 1.5)
    assert estimated.description["documents"] == 3
    np.testing.assert_allclose(estimated.weights, lmtx.inverse_propensities([2 if topic == "tax" else 0 for topic in tiny.TOPICS], 3))


def test_uniform_propensities_only_divide_by_the_best(taggers, data):
    trained, _ = taggers
    result = evaluate_tagger(trained, data, propensities=read_propensities("uniform", data, trained.labels, 0.55, 1.5))
    assert result["propensity"] == {"source": "uniform"}
    # Every document of the data has a true label, so that all could reach precision@1.
    assert result["PSP@1"] == result["precision@1"]


@pytest.mark.parametrize("spec", ["gold", "gold:", "golden:train", "uniform:x", "recorded:", ""])
def test_other_propensities_are_refused(data, spec):
    with pytest.raises(ValueError, match=f"the propensity must be gold:SPLIT, recorded:FILE or uniform, but is '{spec}' instead"):
        read_propensities(spec, data, read_data(data, "test")[0], 0.55, 1.5)


def test_propensities_that_have_no_source_are_refused(data, tmp_path):
    labels = read_data(data, "test")[0]
    with pytest.raises(RuntimeError, match=r"train.jsonl:1.*target_ind"):
        read_propensities("gold:train", data, labels, 0.55, 1.5)
    with pytest.raises(ValueError, match="neither dev.jsonl nor dev.jsonl.gz"):
        read_propensities("gold:dev", data, labels, 0.55, 1.5)
    with pytest.raises(RuntimeError, match="none.jsonl"):
        read_propensities(f"recorded:{tmp_path / 'none.jsonl'}", data, labels, 0.55, 1.5)
    with pytest.raises(ValueError, match="`a` of the propensity constants must be above 0"):
        read_propensities("gold:test", data, labels, 0, 1.5)


def test_two_taggers_are_compared_document_by_document(taggers, data):
    trained, untouched = taggers
    propensities = read_propensities("gold:test", data, trained.labels, 0.55, 1.5)
    result = evaluate_tagger(trained, data, against=untouched, propensities=propensities)
    alone = evaluate_tagger(untouched, data, propensities=propensities)
    names = [*METRICS, *SCORED_METRICS]
    assert result["against"] == {name: alone[name] for name in names}
    mine_alone = evaluate_tagger(trained, data, propensities=propensities)
    assert {name: result[name] for name in names} == {name: mine_alone[name] for name in names}
    targets, mine = rankings(trained, data)
    _, other = rankings(untouched, data)
    expected = lmtx.compare_means(lmtx.ndcg_per_document(targets, mine, k=5), lmtx.ndcg_per_document(targets, other, k=5))
    difference = result["difference"]["nDCG@5"]
    assert difference == {**{end: round(100 * getattr(expected.difference, end), 2) for end in ("value", "low", "high")}, "better": round(100 * expected.better, 2)}
    assert difference["value"] == pytest.approx(result["nDCG@5"]["value"] - alone["nDCG@5"]["value"], abs=0.011)
    assert difference["value"] > 0 and difference["better"] > 90
    weights = propensities.weights
    (found, best), (other_found, _) = (lmtx.psprecision_per_document(targets, ranked, weights, k=3) for ranked in (mine, other))
    scored = lmtx.compare_ratios(found, other_found, best)
    assert result["difference"]["PSP@3"]["value"] == round(100 * scored.difference.value, 2)
    assert result["difference"]["PSP@3"]["better"] == round(100 * scored.better, 2)


def test_a_tagger_is_no_better_than_itself(taggers, data):
    trained, _ = taggers
    result = evaluate_tagger(trained, data, against=trained)
    assert all(value == {"value": 0, "low": 0, "high": 0, "better": 50} for value in result["difference"].values())


def test_taggers_of_other_labels_are_not_compared(taggers, data):
    trained, _ = taggers
    more = lmtx.LabelSet([*trained.labels, lmtx.Label("l-navy", "navy"), lmtx.Label("l-air", "air")])
    other = lmtx.Tagger.from_labels(trained.encoder, more, settings=trained.settings)
    with pytest.raises(ValueError, match="of the 14 labels of the second 2 are not among the 12 of the first, such as 'l-air'"):
        evaluate_tagger(trained, data, against=other)
    with pytest.raises(ValueError, match="of the 14 labels of the first 2 are not among the 12 of the second, such as 'l-air'"):
        evaluate_tagger(other, data, against=trained)


def test_labels_that_only_taggers_have_are_wrong_wherever_they_come_up(taggers, data):
    trained, _ = taggers
    more = lmtx.LabelSet([*trained.labels, *(lmtx.Label(f"x-{topic}", topic) for topic in tiny.TOPICS)])
    other = lmtx.Tagger.from_labels(trained.encoder, more, settings=trained.settings)
    result = evaluate_tagger(other, data, propensities=read_propensities("gold:test", data, trained.labels, 0.55, 1.5), against=other)
    assert result["recall@10"]["value"] < evaluate_tagger(trained, data)["recall@10"]["value"]
    assert 0 < result["PSP@1"]["value"] < 100


def test_measured_values_are_per_document(data):
    measured = measure([[0], [1]], [[0], [0]], ["precision@1"], weights=[1.0, 3.0])
    np.testing.assert_array_equal(measured["precision@1"].found, [1, 0])
    np.testing.assert_array_equal(measured["PSP@1"].best, [1, 3])
    assert json.dumps(evaluate([[0], [1]], [[0], [0]], ["precision@1"]))
