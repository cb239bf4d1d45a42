"""The demo, on its own data cut small and with a tiny encoder; `make demo` runs the real one."""

import gzip
import json
from pathlib import Path

import pytest
from rich.console import Console

import lmtx
import tiny
from lmtx import demo

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "examples" / "us-bills-110"


def read_lines(name):
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_data_is_what_its_note_says():
    train, test, verdicts = read_lines("train.jsonl.gz"), read_lines("test.jsonl.gz"), read_lines("verdicts.jsonl.gz")
    assert (len(train), len(test), len(lmtx.LabelSet.open(DATA / "labels.jsonl"))) == (1009, 500, 4123)
    assert {bill["uid"] for bill in train} == {row["uid"] for row in verdicts[1:]}
    assert len(lmtx.RecordedOracle.open(DATA / "verdicts.jsonl.gz")) == 17_924
    assert not {bill["uid"] for bill in train} & {bill["uid"] for bill in test}
    assert all("target_ind" not in bill for bill in train) and all(bill["target_ind"] for bill in test)


@pytest.fixture
def small(tmp_path, model, monkeypatch):
    """The tiny task in the demo's shape."""
    folder = tiny.write_data(tmp_path / "data")
    recording = tiny.write_recording(tmp_path / "verdicts.jsonl", tiny.make_documents())
    (folder / "verdicts.jsonl.gz").write_bytes(gzip.compress(recording.read_bytes()))
    monkeypatch.setattr(demo, "bundled_minilm", lambda: model)
    monkeypatch.setattr(demo, "OPTIONS", {name: options | {"document_length": 32, "batch_size": 10} for name, options in demo.OPTIONS.items()})
    return folder


def shown(out, data):
    console = Console(record=True, width=80, quiet=False, file=open("/dev/null", "w"))
    demo.Demo(out, data).run(console)
    return console.export_text()


def test_a_report_has_every_figure(small, tmp_path):
    text = shown(tmp_path / "demo", small)
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert report.keys() == {"untouched", "bm25", "paper", "default"}
    for metrics in report.values():
        for name in ("precision@1", "precision@5", "recall@10", "recall@100"):
            interval = metrics[name]
            assert interval.keys() == {"value", "low", "high"} and 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 100
    for name in ("paper", "default"):
        assert report[name]["pairs_wanted"] == report[name]["judgments"] + report[name]["abstentions"] <= demo.JUDGMENTS * 60
    assert report["bm25"]["precision@1"]["value"] == 100  # Each topic is a word of its documents.
    for words in ("untouched encoder", "BM25, full text", "preset paper", "preset default", "yes-rate", "learning_rate=0.0001", "its true labels"):
        assert words in text


def test_a_finished_demo_is_shown_again_without_work(small, tmp_path, monkeypatch):
    first = shown(tmp_path / "demo", small)
    monkeypatch.setattr(demo, "_Work", lambda *arguments: pytest.fail("worked again"))
    assert shown(tmp_path / "demo", small) == first


def test_missing_data_is_named(tmp_path):
    with pytest.raises(ValueError, match="is no folder"):
        demo.Demo(tmp_path / "demo", tmp_path / "none")
