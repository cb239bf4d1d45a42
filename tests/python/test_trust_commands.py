"""lmtx audit, agree, calibrate and probe, and lmtx train with a calibration."""

import json

import pytest

import lmtx
import tiny
from test_cli import lmtx_command, refusal


@pytest.fixture(scope="module")
def files(data, tmp_path_factory):
    """Verdicts that lean to yes, and gold for all of them."""
    folder = tmp_path_factory.mktemp("trust")
    rows = []
    for i, document in enumerate(tiny.make_documents()):
        scores = [min(1.0, 0.45 + 0.4 * (topic in document["content"].split()) + 0.02 * ((7 * i + j) % 9)) for j, topic in enumerate(tiny.TOPICS)]
        rows.append({"uid": document["uid"], "labels": [f"l-{topic}" for topic in tiny.TOPICS], "scores": scores})
    tiny.write_lines(folder / "verdicts.jsonl", [{"format": 1, "identity": "leaning/1"}, *rows])
    tiny.write_recording(folder / "gold.jsonl", tiny.make_documents())
    return folder


def test_audit_prints_what_the_library_measures(files):
    shown = lmtx_command("audit", files / "verdicts.jsonl", "--gold", files / "gold.jsonl", "--cut", "0.6", "--json", "--show", "2")
    found = json.loads(shown.stdout)
    expected = lmtx.match_gold(files / "verdicts.jsonl", files / "gold.jsonl").audit(cut=0.6)
    assert found["precision"] == {"value": expected.precision.value, "low": expected.precision.low, "high": expected.precision.high}
    assert (found["teacher"], found["pairs"], found["unjudged"], found["best_f1"]) == ("leaning/1", 720, 0, 1.0)
    assert len(found["bins"]) == 10 and len(found["most_wrong"]) == 2
    table = lmtx_command("audit", files / "verdicts.jsonl", "--gold", files / "gold.jsonl", "--cut", "0.6").stdout
    assert "leaning/1" in table and f"{expected.precision.value:.3f}" in table and "calibration error" in table


def test_json_has_null_where_there_is_nothing_to_divide_by(files, tmp_path):
    (tmp_path / "gold.csv").write_text("d0,l-tax,0\n")
    found = json.loads(lmtx_command("audit", files / "verdicts.jsonl", "--gold", tmp_path / "gold.csv", "--json").stdout)
    assert found["auc"] == {"value": None, "low": None, "high": None}


def test_calibrate_train_and_audit_again(files, data, model, tmp_path):
    shown = lmtx_command("calibrate", files / "verdicts.jsonl", "--gold", files / "gold.jsonl", "--out", tmp_path / "calibration.json")
    assert "platt: sigmoid(" in shown.stdout and "from 720 pairs (120 yes)" in shown.stdout
    before, after = (
        json.loads(lmtx_command("audit", files / "verdicts.jsonl", "--gold", files / "gold.jsonl", "--json", *more).stdout)
        for more in ([], ["--calibration", tmp_path / "calibration.json"])
    )
    assert after["calibration_error"]["value"] < 0.1 < before["calibration_error"]["value"]
    assert after["auc"] == before["auc"]
    options = ("--base", model, "--preset", "paper", "--set", "cycles=1", "--set", "development=0", "--set", "batch_size=10", "--set", "epochs=1", "--quiet")
    run = (
        "train",
        data,
        "--teacher",
        f"recorded:{files / 'verdicts.jsonl'}",
        "--out",
        tmp_path / "run",
        *options,
        "--calibration",
        tmp_path / "calibration.json",
    )
    assert not lmtx_command(*run, "--plan").stderr
    assert not (tmp_path / "run").exists()
    assert "leaning/1+platt-" in lmtx_command(*run).stdout
    assert "leaning/1" in lmtx.JudgmentStore.open(tmp_path / "run" / "judgments.db").identities()


def test_calibrate_by_a_rate_and_refusals(files, tmp_path):
    out = ("--out", tmp_path / "shift.json")
    lmtx_command("calibrate", files / "verdicts.jsonl", "--yes-rate", "0.2", *out)
    assert lmtx.Calibration.load(tmp_path / "shift.json").kind == "shift"
    assert "give --gold FILE or --yes-rate RATE" in refusal("calibrate", files / "verdicts.jsonl", *out)
    (tmp_path / "few.csv").write_text("d0,l-tax,0\nd1,l-tax,1\n")
    message = refusal("calibrate", files / "verdicts.jsonl", "--gold", tmp_path / "few.csv", *out)
    assert "at least 5 yeses and as many noes, but the 2 gold pairs with a score have 1 yeses and 1 noes" in message
    assert "must be fit, platt or isotonic" in refusal("calibrate", files / "verdicts.jsonl", "--gold", files / "gold.jsonl", "--kind", "spline", *out)


def test_agree_compares_two_teachers(files):
    found = json.loads(
        lmtx_command("agree", files / "verdicts.jsonl", files / "gold.jsonl", "--cut", "0.7", "--second-cut", "0.5", "--json", "--show", "1").stdout
    )
    assert (found["first"], found["second"], found["kappa"]["value"]) == ("leaning/1", "perfect/1", 1.0)
    assert len(found["most_apart"]) == 1
    assert "Cohen's kappa" in lmtx_command("agree", files / "verdicts.jsonl", files / "gold.jsonl").stdout


def test_probe_reports_flips_and_cost(data, tmp_path):
    command = ("probe", data, "--teacher", "python:tiny:topic_answers", "--pairs", "40", "--store", tmp_path / "probes.db", "--json")
    found = json.loads(lmtx_command(*command).stdout)
    assert [(each["probe"], each["flip_rate"]["value"], each["asked"]) for each in found["probes"][:2]] == [("repeat", 0, 40), ("order", 0, 40)]
    # Names of several words are in no document.
    assert found["probes"][2]["flip_rate"]["value"] > 0
    assert [each["asked"] for each in json.loads(lmtx_command(*command).stdout)["probes"]] == [0, 0, 0]
    assert "flipped" in lmtx_command("probe", data, "--teacher", "python:tiny:topic_answers", "--pairs", "10", "--quiet").stdout
    assert "a probe must be repeat, order or wording" in refusal("probe", data, "--teacher", "python:tiny:topic_answers", "--probes", "mood")


def test_what_is_missing_is_wrong_input(files, tmp_path):
    assert "is no file" in refusal("audit", tmp_path / "none.jsonl", "--gold", files / "gold.jsonl")
    assert "is no file" in refusal("audit", files / "verdicts.jsonl", "--gold", tmp_path / "none.jsonl")
    assert "has verdicts of 'leaning/1' only" in refusal("audit", files / "verdicts.jsonl", "--gold", files / "gold.jsonl", "--teacher", "x")
