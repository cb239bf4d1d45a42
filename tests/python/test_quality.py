"""benchmarks/quality: that everyone hears the same teacher, that true labels stay with it, how costs, intervals and aims are counted."""

import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import tiny
from scipy import stats

import lmtx

ROOT = Path(__file__).resolve().parents[2]
QUALITY = ROOT / "benchmarks" / "quality"
sys.path[:0] = [str(ROOT / "benchmarks"), str(QUALITY)]

import ablated  # noqa: E402
import ablations  # noqa: E402
import aims  # noqa: E402
import asked  # noqa: E402
import curves  # noqa: E402
import grid  # noqa: E402
import jobs  # noqa: E402
import kept  # noqa: E402
import noise  # noqa: E402
import pages  # noqa: E402
import paired  # noqa: E402
import prototypes  # noqa: E402
import rankings  # noqa: E402
import records  # noqa: E402
import rows  # noqa: E402
import sets  # noqa: E402
import svg  # noqa: E402
import true_verdicts  # noqa: E402
from board import Board  # noqa: E402
from efficiency import needs  # noqa: E402
from oracles import Noisy, RecordedScores, TeacherSpec, Truth  # noqa: E402

# -- data


def documents(count, first=0):
    return [{"uid": f"d{i}", "content": "text", "target_ind": []} for i in range(first, first + count)]


def test_documents_are_drawn_by_seed_and_uid_whatever_else_there_is():
    drawn = sets.draw(documents(100), 30, seed=1)
    assert len(drawn) == 30
    assert sets.draw(drawn, 30, seed=1) == drawn
    among_more = {document["uid"] for document in sets.draw(documents(130), 30, seed=1)}
    assert among_more - {f"d{i}" for i in range(100, 130)} <= {document["uid"] for document in drawn}
    assert sets.draw(documents(100), 30, seed=2) != drawn
    assert sets.draw(documents(5), 30, seed=1) == documents(5)


def test_a_trainer_sees_no_true_labels(truth_data):
    data = sets.DataSet.read(truth_data)
    for document in rankings.as_documents(data.train):
        assert {name for name in dir(document) if not name.startswith("_")} == {"content", "text", "title", "uid"}


# -- teachers


def uniforms(count):
    return np.concatenate([noise.pair_uniforms(7, f"d{i}", [f"l{j}" for j in range(100)]) for i in range(count // 100)])


def test_the_noise_of_a_pair_is_uniform_and_its_own():
    drawn = uniforms(20_000)
    for numbers in drawn.T:
        assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.03
    assert len(np.unique(drawn)) == drawn.size
    np.testing.assert_array_equal(noise.pair_uniforms(7, "d3", ["l5"])[0], drawn[305])
    assert (noise.pair_uniforms(8, "d3", ["l5"]) != drawn[305]).all()


@pytest.mark.parametrize(("is_near", "flip"), [(True, 0.2), (False, 0.02)])
@pytest.mark.parametrize("is_true", [True, False])
def test_as_many_truths_are_flipped_as_the_place_says(is_true, is_near, flip):
    scores = noise.noisy_scores(np.full(20_000, is_true), np.full(20_000, is_near), uniforms(20_000))
    wrong = int(((scores >= 0.5) != is_true).sum())
    assert stats.binomtest(wrong, len(scores), flip).pvalue > 1e-3


def test_scores_have_the_cut_beta_distributions():
    numbers = uniforms(20_000)[:, 1]
    yes, no = noise.yes_scores(numbers), noise.no_scores(numbers)
    assert yes.min() >= 0.5 > no.max()
    below = stats.beta(4, 2).cdf(0.5)
    assert stats.kstest(yes, lambda x: (stats.beta(4, 2).cdf(x) - below) / (1 - below)).pvalue > 1e-3
    assert stats.kstest(no, lambda x: stats.beta(2, 4).cdf(x) / stats.beta(2, 4).cdf(0.5)).pvalue > 1e-3
    np.testing.assert_allclose(noise.yes_scores(np.array([0.0, 1.0])), [0.5, 1.0], atol=1e-12)


def test_a_noisy_teacher_answers_the_same_in_whatever_parts_it_is_asked():
    true = {f"d{i}": frozenset({f"l{i}"}) for i in range(4)}
    near = {f"d{i}": frozenset({f"l{j}" for j in range(3)}) for i in range(4)}
    labels = [f"l{j}" for j in range(6)]
    whole = np.array(Noisy(true, near, 1, "noisy").scores(list(true), [labels] * 4))
    again = np.array([[Noisy(true, near, 1, "noisy").scores([document], [[label]])[0][0] for label in reversed(labels)] for document in reversed(true)])
    np.testing.assert_array_equal(whole, again[::-1, ::-1])
    assert (np.array(Noisy(true, near, 2, "noisy").scores(list(true), [labels] * 4)) != whole).all()


def test_a_teacher_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="a teacher must be true, noisy or recorded:FILE, but is 'perfect' instead"):
        TeacherSpec.parse("perfect")


def test_a_recording_says_nothing_of_pairs_that_it_does_not_have(data):
    labels = [f"l-{topic}" for topic in tiny.TOPICS]
    of_first, of_unknown = RecordedScores(data / "verdicts.jsonl").scores(["d0", "d999"], [["no such", *labels], labels])
    bill = tiny.make_documents()[0]
    np.testing.assert_array_equal(of_first, [np.nan, *(float(topic in bill["content"].split()) for topic in tiny.TOPICS)])
    assert np.isnan(of_unknown).all()
    spec = TeacherSpec.parse(f"recorded:{data / 'verdicts.jsonl'}")
    assert spec.name == "recorded:perfect/1"
    assert len(spec.documents()) == 60


# -- rankings


def test_fusion_adds_reciprocal_ranks():
    none = rankings.NONE
    fused = rankings.fuse([np.array([[3, 1, none]]), np.array([[1, 2, 3]])])[0]
    # 1: 1/62 + 1/61; 3: 1/61 + 1/63; 2: 1/62.
    assert fused[:4].tolist() == [1, 3, 2, none]


def test_documents_are_ranked_as_the_tagger_tags_them(tagger_folder):
    tagger = lmtx.Tagger.load(tagger_folder)
    bills = tiny.make_documents(7, seed=4)
    ranked = rankings.rank_by_tagger(tagger, bills, "cpu")
    tags = tagger.tag(rankings.as_documents(bills), k=len(tiny.TOPICS))
    assert ranked[:, : len(tiny.TOPICS)].tolist() == [[tag.number for tag in of_document] for of_document in tags]
    assert (ranked[:, len(tiny.TOPICS) :] == rankings.NONE).all()


def test_near_labels_are_the_ten_first_of_either_ranking():
    data = SimpleNamespace(label_uids=[f"l{i}" for i in range(40)])
    ranked = rankings.Rankings.__new__(rankings.Rankings)
    ranked._data = data
    ranked.untouched = lambda documents: np.arange(20)[None]
    ranked.words = lambda documents: np.array([[30, 3, *[rankings.NONE] * 18]])
    assert ranked.near([{"uid": "d"}]) == {"d": frozenset({*(f"l{i}" for i in range(10)), "l30"})}


# -- what was asked


def test_costs_are_counted_as_by_hand(model, tmp_path):
    tokenizer = lmtx.Tokenizer.load(model)
    # Every topic and filler is one token; the tokenizer's limit does not cut.
    counts = asked.count_tokens(tokenizer, ["tax", "bill tax " * 300])
    assert counts.tolist() == [1, 600]
    counter = asked.Counter(np.array([100, 200]), np.array([1, 2, 3]))
    first = asked.Stage(0, np.array([0, 0, 1]), np.array([0, 1, 2]), np.array([asked.SCORED, asked.ABSTAINED, asked.SCORED], np.uint8))
    counter.add(first)
    assert vars(counter.costs) == {
        "wanted": 3,
        "distinct": 3,
        "missing": 0,
        "questions": 2,
        "tokens_by_pair": (100 + 1 + 30) + (100 + 2 + 30) + (200 + 3 + 30),
        "tokens_by_question": (100 + 1 + 2 + 30) + (200 + 3 + 30),
    }
    # One pair again, a new one, one that stayed open, one beyond the budget.
    states = np.array([asked.SCORED, asked.MISSING, asked.OPEN, asked.OVER_BUDGET], np.uint8)
    counter.add(asked.Stage(1, np.array([0, 0, 1, 1]), np.array([0, 2, 0, 1]), states))
    assert vars(counter.costs) == {
        "wanted": 6,
        "distinct": 4,
        "missing": 1,
        "questions": 3,
        "tokens_by_pair": (131 + 132 + 233) + 131 + 133 + 231,
        "tokens_by_question": (133 + 233) + 133,
    }


@pytest.fixture(scope="module")
def truth_data(tmp_path_factory):
    """The tiny task with true labels of all documents, its texts without titles that would name them."""
    folder = tmp_path_factory.mktemp("quality") / "topics"
    tiny.write_data(folder)
    documents = tiny.make_documents()
    tiny.write_lines(folder / "train.jsonl", [{**bill, "target_ind": targets_of(bill)} for bill in documents])
    return folder


def targets_of(bill):
    return [i for i, topic in enumerate(tiny.TOPICS) if topic in bill["content"].split()]


CHANGES = {"cycles": 2, "epochs": 4, "batch_size": 10, "learning_rate": 2e-3, "warmup": 0.1, "document_length": 32, "judgments_per_cycle": 4}


def row_spec(data, model, cache, arm="paper-free", **others):
    fields = {"seed": 0, "budget": "free", "teacher": "true", "changes": CHANGES, "keep": True, **others}
    return rows.RowSpec(arm, str(data), str(model), cache=str(cache), **fields)


def run_folder(cache):
    (folder,) = (cache / "runs").iterdir()
    return folder


def test_costs_are_those_of_the_run(truth_data, model, tmp_path):
    result = rows.compute(row_spec(truth_data, model, tmp_path))
    report = json.loads((run_folder(tmp_path) / "report.json").read_text())
    assert result["costs"]["distinct"] == report["total"]["judgments"] > 0
    assert result["costs"]["wanted"] == sum(cycle[stage]["pairs_wanted"] for cycle in report["cycles"] for stage in ("training", "development"))
    assert [cycle["costs"]["wanted"] for cycle in result["cycles"]][-1] == result["costs"]["wanted"]
    assert result["cycles"][report["best_cycle"]]["metrics"] == result["metrics"]


def test_a_budget_is_a_total(truth_data, model, tmp_path):
    changes = {**CHANGES, "cycles": 5}
    result = rows.compute(row_spec(truth_data, model, tmp_path, arm="paper", budget=3, changes=changes))
    assert result["costs"]["distinct"] <= 3 * 60
    assert result["documents"] == 60


# -- true labels stay with the teacher


def test_true_labels_reach_nothing_but_the_teacher_and_the_final_score(truth_data, model, tmp_path):
    first = rows.compute(row_spec(truth_data, model, tmp_path / "first"))
    other = tmp_path / "other" / "topics"
    other.mkdir(parents=True)
    draw = random.Random(5)
    (other / "labels.jsonl").write_bytes((truth_data / "labels.jsonl").read_bytes())
    asked_pairs = pairs_asked(run_folder(tmp_path / "first"))
    for split in ("train", "test"):
        bills = [json.loads(line) for line in (truth_data / f"{split}.jsonl").read_text().splitlines()]
        for number, bill in enumerate(bills):
            known = {label for document, label in asked_pairs if split == "train" and document == number}
            kept_true = [label for label in bill["target_ind"] if label in known]
            bill["target_ind"] = sorted(kept_true + draw.sample(sorted(set(range(len(tiny.TOPICS))) - known), 2))
        tiny.write_lines(other / f"{split}.jsonl", bills)
    second = rows.compute(row_spec(other, model, tmp_path / "second"))
    assert second["metrics"] != first["metrics"]
    assert second["costs"] == first["costs"]
    assert tagger_files(tmp_path / "first") == tagger_files(tmp_path / "second")
    # One answer that was heard, and the tagger is another: the comparison could have failed.
    bills = [json.loads(line) for line in (other / "train.jsonl").read_text().splitlines()]
    for document, label in asked_pairs:
        bills[document]["target_ind"] = sorted({label}.symmetric_difference(bills[document]["target_ind"]))
    tiny.write_lines(other / "train.jsonl", bills)
    rows.compute(row_spec(other, model, tmp_path / "third"))
    assert tagger_files(tmp_path / "first") != tagger_files(tmp_path / "third")


def pairs_asked(folder):
    return {pair for stage in asked.stages_of(folder) for pair in zip(stage.documents.tolist(), stage.labels.tolist(), strict=True)}


def tagger_files(cache):
    """All but what names the data by its digest."""
    folder = run_folder(cache) / "tagger"
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix != ".json"}


def test_given_verdicts_are_read_as_asked_ones(truth_data, tmp_path):
    data = sets.DataSet.read(truth_data)
    shortlist = np.tile(np.array([0, 1, 2, rankings.NONE]), (len(data.train), 1))
    pairs = true_verdicts.true_pairs(data.train, shortlist)
    true_verdicts.give_verdicts(tmp_path, pairs)
    found, labels, states = asked.read_asked(tmp_path / "asked")
    assert set(states) == {asked.SCORED}
    for number, document in enumerate(data.train):
        assert set(labels[found == number]) == {0, 1, 2, *document["target_ind"]}


def test_the_ceiling_learns_from_every_true_pair(truth_data, model, tmp_path):
    changes = {"document_length": 32, "batch_size": 32, "steps": 20}
    result = rows.compute(row_spec(truth_data, model, tmp_path, arm="ceiling", budget=None, changes=changes))
    pairs = pairs_asked(run_folder(tmp_path))
    train = sets.DataSet.read(truth_data).train
    assert pairs >= {(number, label) for number, document in enumerate(train) for label in document["target_ind"]}
    assert result["costs"]["distinct"] == len(pairs) >= 60 * 10
    assert (result["best_cycle"], len(result["cycles"])) == (0, 1)


# -- prototypes


def test_labels_move_towards_their_documents_and_away_from_others(rng):
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)  # noqa: E731
    labels, texts = (unit(rng.normal(size=(count, 8))).astype(np.float32) for count in (3, 5))
    refined = prototypes.refined_vectors(labels, texts, np.array([0, 1, 2]), np.array([0, 0, 1]), np.array([1.0, 0.0, 1.0]))
    centred = texts - texts.mean(axis=0)
    direction = lambda row: row / np.linalg.norm(row)  # noqa: E731
    moved = labels[0] + 0.7 * (1 / 4) * direction(centred[0]) - 0.2 * (1 / 4) * direction(centred[1])
    np.testing.assert_allclose(refined[0], direction(moved), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(refined[2], labels[2], rtol=1e-6)


def test_a_budget_is_spent_on_the_top_of_all_documents_first():
    ranked = np.array([[5, 6, 7], [8, rankings.NONE, rankings.NONE], [1, 2, 3]])
    found = list(zip(*(numbers.tolist() for numbers in prototypes.top_pairs(ranked, 4)), strict=True))
    assert found == [(0, 5), (0, 6), (1, 8), (2, 1)]


# -- intervals


def test_an_interval_over_documents_and_seeds_holds_the_truth(rng):
    held = 0
    for _ in range(400):
        of_documents, of_seeds = rng.normal(0, 20, 300), rng.normal(0, 2, (6, 1))
        figure = paired.paired(3 + of_documents + of_seeds + rng.normal(0, 10, (6, 300))).figure()
        held += figure.low <= 3 <= figure.high
    # Normal limits with six seeds are a little narrow.
    assert 0.88 < held / 400 < 0.99


def test_with_one_seed_the_interval_is_that_of_a_bootstrap_over_documents(rng):
    differences = rng.choice([-100.0, 0.0, 100.0], size=900, p=[0.03, 0.9, 0.07])
    figure = paired.paired(differences).figure()
    expected = lmtx.bootstrap_mean(differences, resamples=4000)
    np.testing.assert_allclose((figure.value, figure.low, figure.high), (expected.value, expected.low, expected.high), atol=0.15)


def test_the_mean_over_sets_counts_every_set_the_same():
    mean = paired.mean_over_sets([paired.Estimate(1.0, 3.0), paired.Estimate(5.0, 4.0)])
    assert (mean.value, mean.error) == (3.0, 2.5)


def test_kept_values_come_back(rng):
    hits, true = rng.integers(0, 4, 50), rng.integers(0, 6, 50)
    np.testing.assert_array_equal(kept.unpack(kept.pack(hits)), hits)
    found = kept.per_document("recall@10", hits, true)
    assert found == pytest.approx([100 * h / t if t else 0 for h, t in zip(hits, true, strict=True)])


# -- learning curves


def test_a_target_is_reached_between_points():
    points = [curves.Point(0, 0, 0, 40.0), curves.Point(100, 1000, 3000, 50.0), curves.Point(300, 1800, 9000, 45.0), curves.Point(400, 2200, 9900, 60.0)]
    assert curves.reach(points, 42.5) == curves.Point(25, 250, 750, 42.5)
    assert curves.reach(points, 52.5) == curves.Point(350, 2000, 9450, 52.5)
    assert curves.reach(points, 39.0) == points[0]
    assert curves.reach(points, 60.5) is None
    other = [curves.Point(0, 0, 0, 40.0), curves.Point(200, 9000, 9000, 60.0)]
    assert curves.first_reach([points, other], 52.5).judgments == 125


def cycle(judgments, value, accepted=True):
    costs = {"wanted": judgments, "distinct": judgments, "missing": 0, "questions": judgments // 10}
    costs |= {"tokens_by_pair": 300 * judgments, "tokens_by_question": 45 * judgments}
    return {"accepted": accepted, "costs": costs, "metrics": {"precision@1": value, "recall@10": value}}


def test_a_curve_is_of_what_the_run_would_have_kept():
    row = {"cycles": [cycle(100, 45.0), cycle(200, 60.0, accepted=False), cycle(300, 50.0)]}
    assert [point.value for point in curves.kept_curve(row, 40.0, "precision@1")] == [40.0, 45.0, 45.0, 50.0]
    assert curves.best_cycle(row, "precision@1").judgments == 200


# -- aims, on made-up results

# precision@1 of each arm as a share of the documents, first that many hits.
LEVELS = {"untouched": 40, "bm25": 30, "fusion": 42, "prototypes": 45, "maclr": 42, "rts": 43, "paper": 46, "paper-free": 50, "paper-tuned": 50}
LEVELS |= {"paper-tuned-free": 51, "default": 56, "ceiling": 60}


def made_up(levels=LEVELS, names=aims.SEVEN, changed=(), noisy=None):
    """Records where each arm hits the first so many of 100 documents. `changed`: {(arm, set): level}."""
    changed = dict(changed)
    found = records.Records({}, {})
    for name in names:
        record = {"set": name, "data": "x", "test": None, "labels": 9, "test_documents": 100, "true": kept.pack(np.ones(100))}
        found.sets[records.set_key(record)] = record
        for arm, level in levels.items():
            for row in made_up_rows(arm, name, changed.get((arm, name), level), noisy):
                found.rows[records.key_text(row["key"])] = row
    return found


def made_up_rows(arm, name, level, noisy):
    spec = grid.row_of(rows.RowSpec("", name, "base"), arm, 0, 10, "true", {})
    for teacher in ("true", "noisy") if spec.teacher and arm != "ceiling" else (spec.teacher,):
        if teacher == "noisy" and noisy and arm == "default":
            level = noisy
        hits = np.arange(100) < level
        yield {
            "key": {**made_up_key(arm, name, spec), "teacher": teacher},
            "metrics": dict.fromkeys(("precision@1", "precision@3", "precision@5", "recall@10", "recall@100", "PSP@1", "PSP@5"), float(level)),
            "kept": {"precision@1": kept.pack(hits), "recall@10": kept.pack(hits)},
            "documents": 100,
            "seconds": 1.0,
            "costs": cycle(1000, level)["costs"],
            "cycles": [cycle(5000 if arm == "paper-free" else 1000, float(level))],
        }


def made_up_key(arm, name, spec):
    train = None if spec.seed is None else 4000
    return {"arm": arm, "options": {}, "set": name, "data": "x", "base": "b", "seed": spec.seed, "budget": spec.budget, "train": train, "test": None}


def judge(*arguments, **keywords):
    return {verdict.name: verdict for verdict in aims.judge_all(Board(made_up(*arguments, **keywords)))}


def test_aims_that_are_met_are_said_to_be():
    verdicts = judge()
    assert {verdict.outcome for verdict in verdicts.values()} == {"met"}
    assert len(verdicts) == 2 * (2 + 2 + 2 * 6) + 2
    # From 40 to 56 of 60; 50 is reached at 1,000 * 10/16 of 5,000 judgments, at 45 tokens each where the other takes 300.
    assert verdicts["share of the distance to the ceiling, true, 10 judgments"].text.startswith("80.0 %")
    assert verdicts["judgments to reach the best of paper, true"].text.startswith("12.5 %")
    assert verdicts["prompt tokens to reach the best of paper, true"].text.startswith("1.9 %")


def test_an_aim_is_missed_in_the_mean():
    verdict = judge({**LEVELS, "paper": 52})["default against paper, precision@1, true, 10 judgments"]
    assert verdict.outcome == "missed"
    assert verdict.text.startswith("by 1.00 points (+4.00 points")


def test_an_aim_is_missed_on_one_set():
    verdict = judge(changed={("paper", "us-bills-110"): 70}.items())["default against paper, precision@1, true, 10 judgments"]
    assert verdict.outcome == "missed"
    assert "wholly below zero on us-bills-110" in verdict.text


def test_what_is_not_reached_counts_as_all_of_it():
    found = made_up(changed={("paper-free", "us-bills-110"): 58}.items())
    need = needs(Board(found), aims.SEVEN, "true", [10])
    assert (need["us-bills-110"].is_reached, need["us-bills-110"].judgments_share) == (False, 1.0)
    assert need["biotools-edam"].is_reached
    verdict = {verdict.name: verdict for verdict in aims.judge_all(Board(found))}["judgments to reach the best of paper, true"]
    assert verdict.text.startswith("at least 25.0 %")
    assert "not reached on us-bills-110" in verdict.text


def test_noise_may_cost_a_quarter_of_the_gain():
    name = "gain with the noisy teacher as a share of that with the perfect one, 10 judgments"
    assert judge(noisy=52)[name].outcome == "met"
    assert judge(noisy=51)[name].outcome == "missed"


def test_what_is_measured_on_some_sets_only_is_not_called_met():
    verdict = judge(names=aims.THREE)["default against paper, precision@1, true, 10 judgments"]
    assert verdict.outcome == "not measured"
    assert verdict.text.startswith("met on 3 of 7 sets")
    assert judge(names=aims.THREE)["share of the distance to the ceiling, true, 10 judgments"].outcome == "met"


def test_rows_of_options_that_have_changed_since_do_not_count():
    found = made_up()
    first = next(iter(row for row in found.rows.values() if row["key"]["arm"] == "default"))
    newer = {**first, "key": {**first["key"], "options": {"steps": 600}}}
    found.rows[records.key_text(newer["key"])] = newer
    board = Board(found)
    assert board.stale == 14
    assert [row["key"]["options"] for row in board.rows if row["key"]["arm"] == "default"] == [{"steps": 600}]


def test_rows_of_before_stand_for_an_arm_that_was_not_measured_since():
    found = made_up()
    differences = lambda row: {"patience": 2} if row["key"]["arm"] == "default" and row["key"]["options"] == {} else {}  # noqa: E731
    board = Board(found, differences=differences)
    assert board.label("default", 10, "true") == "patience=2"
    verdict = {verdict.name: verdict for verdict in aims.judge_all(board)}["default against paper, precision@1, true, 10 judgments"]
    assert verdict.outcome == "met"
    assert verdict.text.endswith("; `default` was measured with patience=2")
    # With one row of today they are an arm of their own where that was measured, and elsewhere still stand for it.
    before = next(row for row in found.rows.values() if row["key"]["arm"] == "default" and row["key"]["teacher"] == "true")
    today = {**before, "key": {**before["key"], "options": {"patience": 4}}}
    found.rows[records.key_text(today["key"])] = today
    board = Board(found, differences=differences)
    assert board.find("default", before["key"]["set"], 0, 10, "true") is today
    assert board.find("default (patience=2)", before["key"]["set"], 0, 10, "true") is before
    assert (board.label("default", 10, "true"), board.label("default", 10, "noisy")) == ("", "patience=2")


def test_ablations_are_rows_that_differ_in_their_options_alone(monkeypatch):
    monkeypatch.setattr(ablated, "ABLATIONS", {"cut": ablations.Ablation("cut", {"cut_share": 0.2}), "odd": ablations.Ablation("odd", {"steps": 7})})
    published = {"steps": 0, "cut_share": 0.2, "seed": 0}
    found = made_up({**LEVELS, "default": 56}, names=("us-bills-110", "biotools-edam"))
    for row in list(found.rows.values()):
        if row["key"]["arm"] != "default":
            continue
        del found.rows[records.key_text(row["key"])]
        # As it is now, and as it was: with another number of steps, with and without the change.
        now, changed, before = ({"cut_share": 0}, 56, 2), ({}, 50, 2), ({"steps": 600}, 58, 1)
        variants = [now, changed] if row["key"]["set"] == "us-bills-110" else [before, ({"steps": 600, "cut_share": 0}, 62, 1), now]
        for options, level, time in variants:
            hits = {"precision@1": kept.pack(np.arange(100) < level), "recall@10": kept.pack(np.arange(100) < level)}
            variant = {**row, "time": time, "key": {**row["key"], "options": options}, "kept": hits}
            found.rows[records.key_text(variant["key"])] = variant
    (effect,) = ablated.effects(Board(found), published, "true", 10)
    assert effect.ablation.title == "cut"
    # 50 - 56 on one set, 58 - 62 on the other, which was measured beside other options.
    assert effect.means["precision@1"].value == pytest.approx(-5)
    assert effect.sets == ["us-bills-110", "biotools-edam"] or effect.sets == ["biotools-edam", "us-bills-110"]
    assert effect.beside == {"steps": 600}


def test_tables_and_plots_can_be_made_of_whatever_there_is(tmp_path, monkeypatch):
    page = tmp_path / "quality.md"
    text = (ROOT / "docs" / "quality.md").read_text()
    monkeypatch.setattr(pages, "PAGE", page)
    for found in (made_up(), made_up({"untouched": 40, "default": 56}, names=("us-bills-110", "other"))):
        page.write_text(text)
        assert pages.fill(found, None, 4000, None) == 0
        assert "| **default** | 56.00 |" in page.read_text()
        ElementTree.parse(tmp_path / "quality-true.svg")


def test_ticks_are_round_and_few():
    assert svg.ticks(0, 27) == [0, 10, 20]
    assert svg.ticks(38.2, 41.9) == [39, 40, 41]


# -- a small slice of the benchmark


def test_presets_keep_their_order(model, tmp_path):
    data = tmp_path / "topics"
    tiny.write_data(data)
    for split, count, seed in (("train", 200, 1), ("test", 200, 9)):
        bills = tiny.make_documents(count, seed)
        tiny.write_lines(data / f"{split}.jsonl", [{**bill, "target_ind": targets_of(bill)} for bill in bills])
    shorter = {"document_length": 32, "batch_size": 32}
    untouched = rows.compute(rows.RowSpec("untouched", str(data), str(model), cache=str(tmp_path)))
    paper, default = (rows.compute(row_spec(data, model, tmp_path, arm=arm, budget=4, changes=shorter, keep=False)) for arm in ("paper", "default"))
    reached = [row["metrics"]["precision@1"] for row in (untouched, paper, default)]
    assert reached[0] - 1 <= reached[1] < reached[2] - 3
    assert default["costs"]["distinct"] <= 4 * 200


# -- the command


def run(*arguments):
    return subprocess.run([sys.executable, str(QUALITY / "run.py"), *map(str, arguments)], capture_output=True, text=True, check=False)


def test_rows_add_up_and_none_is_measured_twice(truth_data, model, tmp_path):
    changes = [f"{name}={value}" for name, value in CHANGES.items()]
    out = tmp_path / "results.jsonl"
    where = ["--data", truth_data, "--base", model, "--out", out, "--cache", tmp_path / "cache"]
    common = [*where, "--budgets", 3, "--set", *changes, "--arms", "untouched", "fusion"]
    assert run(*common).returncode == 0
    first = run(*common, "paper", "prototypes", "--teachers", "noisy", "--workers", 2)
    assert "2 rows are there; 2 to measure" in first.stdout, first.stdout + first.stderr
    assert first.returncode == 0, first.stdout + first.stderr
    found = records.read([out])
    assert len(found.rows) == 4
    assert len(found.sets) == 1
    again = run(*common, "paper", "prototypes", "--teachers", "noisy")
    assert "4 rows are there; 0 to measure" in again.stdout
    check = run("--check", "--data", truth_data, "--out", out)
    assert check.returncode == 1
    assert "default against paper, precision@1, true, 10 judgments: not measured" in check.stdout


def test_what_was_done_stays_when_the_time_is_up(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys, time\nif sys.argv[1] == 'fail': sys.exit('no such thing')\ntime.sleep(float(sys.argv[1]))\nprint('[1]')\n")
    first = [jobs.Job("quick", ["0"]), jobs.Job("bad", ["fail"])]
    made = [*first, jobs.Job("after", ["0"], ["quick"]), jobs.Job("never", ["0"], ["bad"]), jobs.Job("slow", ["600"])]
    results, failures = [], []
    left = jobs.run_all(
        str(program), made, 2, 3, lambda job, result, seconds: results.append((job.title, result)), lambda job, error: failures.append((job.title, str(error)))
    )
    assert results == [("quick", [1]), ("after", [1])]
    assert failures == [("bad", "exit code 1: no such thing"), ("never", "what it needs failed")]
    assert [job.title for job in left] == ["slow"]


def test_arms_that_this_version_lacks_are_named(truth_data, model, tmp_path, monkeypatch):
    monkeypatch.setitem(ablations.ABLATIONS, "odd", ablations.Ablation("An option that is none", {"no_such_option": 1}))
    spec = grid.row_of(rows.RowSpec("", str(truth_data), str(model)), "paper:odd", 0, 10, "true", {})
    assert "no_such_option" in grid.why_absent(spec, sets.DataSet.read(truth_data))
    unknown = run("--data", truth_data, "--base", model, "--arms", "papers", "--list")
    assert "there is no arm 'papers'" in unknown.stderr
    assert unknown.returncode != 0


def test_every_ablation_changes_options_that_there_are():
    for name, ablation in ablations.ABLATIONS.items():
        assert lmtx.TrainerOptions("default", **ablation.options) != lmtx.TrainerOptions("default"), name
