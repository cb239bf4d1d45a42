"""Files of texts to files of tags: formats, faults, resuming, kills, memory."""

import csv
import gzip
import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lmtx
import tiny
from lmtx.bulk import part_file, to_file
from lmtx.bulk.batches import BatchSizer
from lmtx.bulk.documents import Columns
from lmtx.bulk.readers import open_reader
from lmtx.bulk.tagging import tag_blocks
from runs import environment

DOCUMENTS = tiny.make_documents(300)


@pytest.fixture(scope="module")
def tagger_folder(model, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("taggers") / "tagger"
    lmtx.Tagger.from_labels(lmtx.Encoder.load(model), lmtx.LabelSet.open(data / "labels.jsonl"), k=3).save(folder)
    return folder


@pytest.fixture(scope="module")
def tagger(tagger_folder):
    return lmtx.Tagger.load(tagger_folder)


@pytest.fixture
def texts(tmp_path):
    """300 documents as JSON lines."""
    (tmp_path / "in").mkdir()
    return tiny.write_lines(tmp_path / "in" / "texts.jsonl", DOCUMENTS)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "tags.jsonl"


@pytest.fixture(scope="module")
def expected(tagger):
    """The tags of each document, tagged alone."""
    return [[(tag.uid, tag.label, round(tag.score, 4)) for tag in tagger.tag(lmtx.Document(document))] for document in DOCUMENTS]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def lists_of(lines):
    return [[(tag["uid"], tag["label"], tag["score"]) for tag in row["tags"]] for row in map(json.loads, lines)]


# --- formats ---


def test_a_line_of_json_has_the_tags_that_its_text_gets_alone(tagger_folder, texts, out, expected):
    progress = []
    counts = lmtx.tag_to_file(tagger_folder, texts, out, on_progress=lambda *numbers: progress.append(numbers))
    assert counts == lmtx.TaggingCounts(texts=300)
    lines = out.read_text().splitlines()
    assert lists_of(lines) == expected
    assert [json.loads(line)["uid"] for line in lines] == [document["uid"] for document in DOCUMENTS]
    assert names_in(out.parent) == ["tags.jsonl"]
    assert progress == sorted(progress) and progress[-1] == (300, 300) and all(0 <= done <= total for done, total in progress)


def write_csv(file, documents, names=("uid", "title", "content")):
    with open(file, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([names, *(list(document.values()) for document in documents)])
    return file


def write_parquet(file, documents, rows_at_once=70):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(documents), file, row_group_size=rows_at_once)
    return file


WRITERS = {
    "texts.csv": write_csv,
    "texts.parquet": write_parquet,
    "texts.jsonl.gz": lambda file, documents: file.write_bytes(gzip.compress(b"".join(json.dumps(item).encode() + b"\n" for item in documents))),
    "texts.csv.gz": lambda file, documents: file.write_bytes(gzip.compress(write_csv(file.with_name("plain.csv"), documents).read_bytes())),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_input_gives_the_same_tags(tagger_folder, texts, out, tmp_path, name):
    WRITERS[name](tmp_path / "in" / name, DOCUMENTS)
    lmtx.tag_to_file(tagger_folder, texts, out)
    lmtx.tag_to_file(tagger_folder, tmp_path / "in" / name, tmp_path / "other.jsonl")
    assert (tmp_path / "other.jsonl").read_bytes() == out.read_bytes()


def test_csv_has_a_row_a_tag_or_a_row_a_text(tagger_folder, texts, tmp_path, expected):
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / "rows.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    wanted = [
        {"uid": document["uid"], "rank": str(rank), "tag": uid, "label": label, "score": str(score), "probability": ""}
        for document, tags in zip(DOCUMENTS, expected, strict=True) for rank, (uid, label, score) in enumerate(tags, 1)
    ]  # fmt: skip
    assert rows == wanted
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / "joined.csv", tags_as="joined")
    joined = list(csv.DictReader(io.StringIO((tmp_path / "joined.csv").read_text())))
    assert [row["tags"].split("|") for row in joined] == [[uid for uid, _, _ in tags] for tags in expected]
    assert [[float(score) for score in row["scores"].split("|")] for row in joined] == [[score for _, _, score in tags] for tags in expected]


def test_parquet_has_lists_or_rows(tagger_folder, texts, out, tmp_path, expected, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr("lmtx.bulk.records.RECORDS_AT_ONCE", 80)
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / "out" / "lists.parquet")
    assert names_in(out.parent) == ["lists.parquet"]
    table = parquet.read_table(tmp_path / "out" / "lists.parquet")
    found = [[(tag["uid"], tag["label"], tag["score"]) for tag in tags] for tags in table["tags"].to_pylist()]
    assert found == expected and table["uid"].to_pylist() == [document["uid"] for document in DOCUMENTS]
    assert parquet.ParquetFile(tmp_path / "out" / "lists.parquet").metadata.num_row_groups == 4
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / "rows.parquet", tags_as="rows")
    rows = parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [(row["tag"], row["label"], row["score"]) for row in rows] == list(itertools.chain(*expected))
    assert [row["rank"] for row in rows] == [1, 2, 3] * 300 and rows[0]["probability"] is None


def test_cells_with_line_ends_quotes_and_unicode_come_through(tagger_folder, tagger, tmp_path):
    rows = [["a,b", 'tax "quoted"\nsecond line'], ["\u00e9\u2603", "army\r\nwater"], ["c", "plain"]]
    write_csv(tmp_path / "texts.csv", [dict(zip("ab", row, strict=True)) for row in rows], ("id", "text"))
    (tmp_path / "texts.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "texts.csv").read_bytes())
    lmtx.tag_to_file(tagger_folder, tmp_path / "texts.csv", tmp_path / "tags.jsonl")
    lines = (tmp_path / "tags.jsonl").read_text().splitlines()
    assert [json.loads(line)["uid"] for line in lines] == ["a,b", "\u00e9\u2603", "c"]
    assert lists_of(lines) == [[(tag.uid, tag.label, round(tag.score, 4)) for tag in tagger.tag(text)] for _, text in rows]


def test_texts_without_a_uid_get_their_number_and_columns_any_name(tagger_folder, tagger, tmp_path, out):
    write_csv(tmp_path / "texts.csv", [{"a": "tax", "b": "army"}, {"a": "water", "b": "trade"}], ("subject", "body"))
    lmtx.tag_to_file(tagger_folder, tmp_path / "texts.csv", out, title="subject", content="body", k=1)
    assert [json.loads(line)["uid"] for line in out.read_text().splitlines()] == ["0", "1"]
    both = [[(tag.uid, tag.label, round(tag.score, 4)) for tag in tags] for tags in tagger.tag(["tax\tarmy", "water\ttrade"], k=1)]
    assert lists_of(out.read_text().splitlines()) == both
    lmtx.tag_to_file(tagger_folder, tmp_path / "texts.csv", tmp_path / "bodies.jsonl", text="body", uid="subject", k=1)
    assert [json.loads(line)["uid"] for line in (tmp_path / "bodies.jsonl").read_text().splitlines()] == ["tax", "water"]
    assert [tags[0][1] for tags in lists_of((tmp_path / "bodies.jsonl").read_text().splitlines())] == ["army", "trade"]


@pytest.mark.parametrize("name", ["texts.jsonl", "texts.csv", "texts.parquet"])
def test_no_texts_become_no_tags(tagger_folder, tmp_path, name):
    if name == "texts.parquet":
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), tmp_path / name)
    else:
        (tmp_path / name).write_text("text\n" if name == "texts.csv" else "")
    assert lmtx.tag_to_file(tagger_folder, tmp_path / name, tmp_path / "tags.csv") == lmtx.TaggingCounts()
    assert (tmp_path / "tags.csv").read_text() == "uid,rank,tag,label,score,probability\n"
    lmtx.tag_to_file(tagger_folder, tmp_path / name, tmp_path / "tags.jsonl")
    assert (tmp_path / "tags.jsonl").read_text() == ""


def test_parquet_without_pyarrow_says_what_to_install(tagger_folder, texts, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r"Parquet needs pyarrow: pip install pyarrow, or lmtx\[parquet\]\."):
        lmtx.tag_to_file(tagger_folder, texts, out.with_suffix(".parquet"))
    assert names_in(out.parent) == []


# --- what is no text ---

BROKEN = '{"uid": "a", "title": "tax"}\n{"uid": "b"}\n{"uid": "c", "title"\n{"uid": "d", "content": 7}\n{"uid": "e", "content": "army"}\n'


def test_a_row_that_is_no_text_stops_is_skipped_or_has_no_tags(tagger_folder, tmp_path, out):
    broken = tmp_path / "broken.jsonl"
    broken.write_text(BROKEN)
    with pytest.raises(ValueError, match=r"broken\.jsonl:2: a document needs a `title` or a `content`, but has neither\."):
        lmtx.tag_to_file(tagger_folder, broken, out)
    # What came before is kept, and the same call goes on when the line is mended.
    assert json.loads(Path(f"{out}.part").read_text())["uid"] == "a"
    skipped = lmtx.tag_to_file(tagger_folder, broken, tmp_path / "skipped.jsonl", on_error="skip")
    first = f"{broken}:2: a document needs a `title` or a `content`, but has neither."
    assert skipped == lmtx.TaggingCounts(texts=2, skipped=3, first_fault=first)
    assert [json.loads(line)["uid"] for line in (tmp_path / "skipped.jsonl").read_text().splitlines()] == ["a", "e"]
    empty = lmtx.tag_to_file(tagger_folder, broken, tmp_path / "empty.jsonl", on_error="empty")
    assert empty == lmtx.TaggingCounts(texts=2, empty=3, first_fault=first)
    rows = [json.loads(line) for line in (tmp_path / "empty.jsonl").read_text().splitlines()]
    assert [(row["uid"], len(row["tags"])) for row in rows] == [("a", 3), ("1", 0), ("2", 0), ("3", 0), ("e", 3)]
    broken.write_text(BROKEN.replace('{"uid": "b"}', '{"uid": "b", "title": "water"}'))
    with pytest.raises(ValueError, match=r"broken\.jsonl:3: broken JSON"):
        lmtx.tag_to_file(tagger_folder, broken, out)
    assert [json.loads(line)["uid"] for line in Path(f"{out}.part").read_text().splitlines()] == ["a", "b"]


TABLE_FAULTS = {
    "2": (4, "a row of 1 cells, where the header has 2."),
    "2,": (4, "a document needs a `title` or a `content`, but has neither."),
    '2,"a"b': (4, "',' expected after '\"'."),
}


@pytest.mark.parametrize("row", TABLE_FAULTS)
def test_faults_of_a_table_name_their_line(tagger_folder, tmp_path, out, row):
    table = tmp_path / "texts.csv"
    table.write_text(f'id,text\n1,"tax\ntwo lines"\n{row}\n5,army\n')
    line, fault = TABLE_FAULTS[row]
    counts = lmtx.tag_to_file(tagger_folder, table, out, on_error="skip")
    assert counts == lmtx.TaggingCounts(texts=2, skipped=1, first_fault=f"{table}:{line}: {fault}")
    assert [json.loads(text)["uid"] for text in out.read_text().splitlines()] == ["1", "5"]


def test_faults_of_parquet_name_their_row(tagger_folder, tmp_path, out):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"text": ["tax", None]}), tmp_path / "texts.parquet")
    with pytest.raises(ValueError, match=r"texts\.parquet: row 1: a document needs a `title` or a `content`"):
        lmtx.tag_to_file(tagger_folder, tmp_path / "texts.parquet", out)
    parquet.write_table(pyarrow.table({"body": ["tax"]}), tmp_path / "texts.parquet")
    with pytest.raises(ValueError, match=r"texts\.parquet must have a column `title` or a `content` or a `text`, but has `body` instead\."):
        lmtx.tag_to_file(tagger_folder, tmp_path / "texts.parquet", tmp_path / "other.jsonl")


def test_damaged_input_is_named(tagger_folder, tmp_path, out):
    packed = tmp_path / "texts.jsonl.gz"
    packed.write_bytes(gzip.compress(os.urandom(100_000).hex().encode() + b"\n")[:-1000])
    with pytest.raises(RuntimeError, match=r"texts\.jsonl\.gz: the gzip stream is damaged or cut off"):
        lmtx.tag_to_file(tagger_folder, packed, out)
    (tmp_path / "texts.parquet").write_text("no such thing")
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match=r"texts\.parquet: "):
        lmtx.tag_to_file(tagger_folder, tmp_path / "texts.parquet", tmp_path / "other.jsonl")


def test_wrong_arguments_are_named(tagger_folder, texts, out):
    for message, options in {
        "`in_format` must be jsonl, csv or parquet, but is 'xml' instead": {"in_format": "xml"},
        "`on_error` must be stop, skip or empty, but is 'cry' instead": {"on_error": "cry"},
        "tags in jsonl can be laid out as list or rows, but 'joined' came instead": {"tags_as": "joined"},
        "`text` is all that is tagged: give it alone": {"text": "a", "title": "b"},
    }.items():
        with pytest.raises(ValueError, match=message):
            lmtx.tag_to_file(tagger_folder, texts, out, **options)
    with pytest.raises(ValueError, match=r"The name of tags\.xml must end in \.jsonl, \.ndjson, \.csv, \.parquet, \.pq, or the format be given"):
        lmtx.tag_to_file(tagger_folder, texts, "tags.xml")
    with pytest.raises(ValueError, match=r"The folder of .*/no/tags\.jsonl is not there"):
        lmtx.tag_to_file(tagger_folder, texts, out.parent / "no" / "tags.jsonl")
    assert names_in(out.parent) == []


# --- resuming ---


class Stop(Exception):
    pass


def stop_after(rows):
    def handler(done, total):
        if done >= rows:
            raise Stop

    return handler


def test_a_call_that_was_interrupted_goes_on_and_another_one_is_refused(tagger_folder, texts, out, tmp_path):
    whole = tmp_path / "whole.jsonl"
    lmtx.tag_to_file(tagger_folder, texts, whole)
    with pytest.raises(Stop):
        lmtx.tag_to_file(tagger_folder, texts, out, on_progress=stop_after(100))
    assert names_in(out.parent) == ["tags.jsonl.part", "tags.jsonl.part.json"]
    with pytest.raises(
        ValueError, match=r"tags\.jsonl\.part was begun otherwise: `k` is 0 there, but 2 now\. Give the same, or delete it and .*\.part\.json to begin anew\."
    ):
        lmtx.tag_to_file(tagger_folder, texts, out, k=2)
    with pytest.raises(ValueError, match=r"`on_error` is \"stop\" there, but \"skip\" now; `columns` is "):
        lmtx.tag_to_file(tagger_folder, texts, out, on_error="skip", text="content")
    lines = texts.read_text()
    texts.write_text(lines.replace("d50", "x50"))
    with pytest.raises(
        ValueError, match=r"was begun with another input: the first \d+ rows of .*texts\.jsonl are not those that it has the tags of\. Give the same, or delete"
    ):
        lmtx.tag_to_file(tagger_folder, texts, out)
    texts.write_text(lines)
    done = []
    assert lmtx.tag_to_file(tagger_folder, texts, out, on_progress=lambda rows, _: done.append(rows)) == lmtx.TaggingCounts(texts=300)
    assert min(done) > 100
    assert out.read_bytes() == whole.read_bytes() and names_in(out.parent) == ["tags.jsonl"]
    with pytest.raises(ValueError, match=r"tags\.jsonl is there already; give another name, or `overwrite`\."):
        lmtx.tag_to_file(tagger_folder, texts, out)
    lmtx.tag_to_file(tagger_folder, texts, out, k=1, overwrite=True)
    assert all(len(tags) == 1 for tags in lists_of(out.read_text().splitlines())) and names_in(out.parent) == ["tags.jsonl"]


def test_another_tagger_is_refused(tagger_folder, tagger, texts, out, tmp_path):
    with pytest.raises(Stop):
        lmtx.tag_to_file(tagger_folder, texts, out, on_progress=stop_after(100))
    lmtx.Tagger(tagger.encoder, tagger.labels, tagger.index, k=4).save(tmp_path / "other")
    with pytest.raises(ValueError, match=r"`tagger` is \"[0-9a-f]{32}\" there, but \"[0-9a-f]{32}\" now"):
        lmtx.tag_to_file(tmp_path / "other", texts, out)


@pytest.mark.parametrize("name", ["texts.jsonl", *WRITERS])
def test_every_input_is_gone_on_with(tagger_folder, texts, tmp_path, name):
    if name in WRITERS:
        WRITERS[name](tmp_path / "in" / name, DOCUMENTS)
    file, whole, out = tmp_path / "in" / name, tmp_path / "whole.csv", tmp_path / "tags.csv"
    lmtx.tag_to_file(tagger_folder, file, whole)
    for rows in (1, 60, 150, 290):
        with pytest.raises(Stop):
            lmtx.tag_to_file(tagger_folder, file, out, on_progress=stop_after(rows))
    lmtx.tag_to_file(tagger_folder, file, out)
    assert out.read_bytes() == whole.read_bytes()


def test_a_stream_is_gone_on_with_when_it_comes_again(tagger_folder, texts, out, tmp_path):
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / "whole.jsonl")
    data = texts.read_bytes()
    with pytest.raises(Stop):
        lmtx.tag_to_file(tagger_folder, io.BytesIO(data), out, on_progress=stop_after(50))
    with pytest.raises(ValueError, match="the first .* rows of standard input are not those"):
        lmtx.tag_to_file(tagger_folder, io.BytesIO(data[10:]), out)
    lmtx.tag_to_file(tagger_folder, io.BytesIO(data), out)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_input_may_grow_by_lines_but_not_within_one_that_was_read(tagger_folder, out, tmp_path):
    texts = tmp_path / "texts.jsonl"
    texts.write_text("tax\narmy\nwat")
    with pytest.raises(Stop):
        lmtx.tag_to_file(tagger_folder, texts, out, on_progress=stop_after(3))
    texts.write_text("tax\narmy\nwater\n")
    with pytest.raises(RuntimeError, match=r"texts\.jsonl: grew in the middle of line 3, which was read already as if it ended there\."):
        lmtx.tag_to_file(tagger_folder, texts, out)
    texts.write_text("tax\narmy\n")
    with pytest.raises(Stop):
        lmtx.tag_to_file(tagger_folder, texts, tmp_path / "other.jsonl", on_progress=stop_after(2))
    texts.write_text("tax\narmy\nwater\n")
    assert lmtx.tag_to_file(tagger_folder, texts, tmp_path / "other.jsonl").texts == 3
    assert [json.loads(line)["tags"][0]["label"] for line in (tmp_path / "other.jsonl").read_text().splitlines()] == ["tax", "army", "water"]


def test_a_damaged_part_file_is_refused(tagger_folder, texts, out):
    with pytest.raises(Stop):
        lmtx.tag_to_file(tagger_folder, texts, out, on_progress=stop_after(100))
    part, journal = Path(f"{out}.part"), Path(f"{out}.part.json")
    good = part.read_bytes()
    part.write_bytes(b"x" + good[1:])
    with pytest.raises(RuntimeError, match=r"tags\.jsonl\.part is damaged: it is not what tags\.jsonl\.part\.json says\. Delete both to begin anew\."):
        lmtx.tag_to_file(tagger_folder, texts, out)
    part.write_bytes(good[:-1])
    with pytest.raises(RuntimeError, match=r"tags\.jsonl\.part is damaged"):
        lmtx.tag_to_file(tagger_folder, texts, out)
    part.write_bytes(good)
    said = journal.read_text()
    journal.write_text(said.replace('"rows": ', '"rows": 1'))
    with pytest.raises(RuntimeError, match=r"tags\.jsonl\.part\.json is damaged\. Delete it and .*\.part to begin anew\."):
        lmtx.tag_to_file(tagger_folder, texts, out)
    journal.unlink()
    with pytest.raises(RuntimeError, match=r"tags\.jsonl\.part is there, but not .*\.part\.json, which says what it holds; delete it to begin anew\."):
        lmtx.tag_to_file(tagger_folder, texts, out)
    part.write_bytes(good + b"what a kill left behind")
    journal.write_text(said)
    assert lmtx.tag_to_file(tagger_folder, texts, out).texts == 300


# --- kills ---


class Kill(BaseException):
    """Ends the call where it is: nothing more is done to a file, as in a process that is gone."""


class DyingSystem:
    """The os that a part file sees, which dies at the n-th change of a file: before it, or with half of the bytes written."""

    CHANGES = ("open", "pwrite", "fsync", "ftruncate", "replace", "unlink")

    def __init__(self, dies_at):
        self.changes, self.dies_at = 0, dies_at

    def __getattr__(self, name):
        function = getattr(os, name)
        return self._counted(name, function) if name in self.CHANGES else function

    def _counted(self, name, function):
        def call(*arguments):
            self.changes += 1
            if self.changes < self.dies_at:
                return function(*arguments)
            if self.changes == self.dies_at and name == "pwrite":
                descriptor, data, offset = arguments
                os.pwrite(descriptor, data[: len(data) // 2], offset)
            raise Kill

        return call


@pytest.mark.parametrize("name", ["tags.jsonl", "tags.csv", "tags.parquet"])
def test_killed_at_every_change_of_a_file_the_same_call_ends_with_the_same_bytes(tagger_folder, tmp_path, monkeypatch, name):
    if name == "tags.parquet":
        pytest.importorskip("pyarrow")
    loaded = lmtx.Tagger.load(tagger_folder)
    monkeypatch.setattr(to_file, "Tagger", type("Loaded", (), {"load": staticmethod(lambda folder, device: loaded)}))
    monkeypatch.setattr(to_file, "BatchSizer", lambda: BatchSizer(first=20, most=20))
    texts = tiny.write_lines(tmp_path / "texts.jsonl", DOCUMENTS[:60])
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / name)
    whole = (tmp_path / name).read_bytes()

    def dies(out, at):
        system = DyingSystem(at)
        monkeypatch.setattr(part_file, "os", system)
        try:
            lmtx.tag_to_file(tagger_folder, texts, out, checkpoint_seconds=0)
        except Kill:
            return True
        finally:
            monkeypatch.setattr(part_file, "os", os)
        assert system.changes < at
        return False

    for at in itertools.count(1):
        folder = tmp_path / str(at)
        folder.mkdir()
        out = folder / name
        if not dies(out, at):
            break
        dies(out, 3)  # And once more, soon.
        if not out.exists() or names_in(folder) != [name]:
            lmtx.tag_to_file(tagger_folder, texts, out)
        assert out.read_bytes() == whole, f"killed at change {at}"
        assert names_in(folder) == [name], f"killed at change {at}"
    assert at > 30


def faulty(folder, action, at, files="*", error="ENOSPC"):
    """The environment of a process that is killed, or whose disk fails, at a file operation in the folder (tests/faults/fault_injector.cc)."""
    injector = Path(lmtx.__file__).parents[2] / "tests" / "cpp" / "liblmtx_faults.so"
    if not injector.exists():
        pytest.skip(f"{injector} is not there; ninja -C build lmtx_faults builds it")
    wanted = {"FOLDER": folder, "FILES": files, "DO": action, "ERROR": error, "AT": at}
    preload = {"LD_PRELOAD": str(injector), "ASAN_OPTIONS": "verify_asan_link_order=0"}
    return environment(**preload, **{f"LMTX_FAULT_{name}": str(value) for name, value in wanted.items()})


@pytest.mark.parametrize("files", ["tags.jsonl.part", "tags.jsonl.part.json.new"])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(tagger_folder, texts, out, tmp_path, files):
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / "whole.jsonl")
    full = run(tag_command(tagger_folder, texts, "-k", 3, "--quiet", "--out", out), env=faulty(out.parent, "last", 4, files))
    named = out.parent / files.removesuffix(".new")
    assert (full.returncode, full.stderr) == (1, f"lmtx: Cannot write {named}: No space left on device.\n")
    assert lmtx.tag_to_file(tagger_folder, texts, out, k=3).texts == 300
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes() and names_in(out.parent) == ["tags.jsonl"]


@pytest.mark.long
@pytest.mark.parametrize("action", ["kill", "cut", "last"])
@pytest.mark.parametrize("name", ["tags.jsonl", "tags.parquet"])
def test_disturbed_at_every_operation_of_the_system_the_same_command_ends_with_the_same_bytes(tagger_folder, texts, tmp_path, name, action):
    """The same as above from outside, in a process of its own: what pyarrow writes counts, too."""
    if name == "tags.parquet":
        pytest.importorskip("pyarrow")
    lmtx.tag_to_file(tagger_folder, texts, tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for at in itertools.count(1):
        folder = tmp_path / str(at)
        folder.mkdir()
        command = tag_command(tagger_folder, texts, "-k", 3, "--quiet", "--out", folder / name)
        first = run(command, env=faulty(folder, action, at))
        if first.returncode == 0:
            break
        assert first.returncode == (1 if action == "last" else -signal.SIGKILL), first
        if names_in(folder) != [name]:
            assert run(command).returncode == 0, f"at operation {at}"
        assert (folder / name).read_bytes() == whole and names_in(folder) == [name], f"at operation {at}"
    assert at > 15


# --- batches ---


def run_sizer(rate, batches=40, **options):
    sizer = BatchSizer(**options)
    for _ in range(batches):
        sizer.learn(sizer.size, 10 * sizer.size, 10 * sizer.size / rate(sizer.size))
    return sizer.size


def test_batches_grow_while_that_makes_tagging_faster():
    assert run_sizer(lambda size: min(size, 256) * 1000) == 256
    assert run_sizer(lambda size: size * 1000) == 4096
    assert run_sizer(lambda size: 1000) == 32
    assert run_sizer(lambda size: 1e6 / size) == 32


def test_batches_do_not_grow_beyond_what_they_may_take():
    # 10 tokens a text: at 640 tokens a second, 64 texts take a second.
    assert run_sizer(lambda size: 640 * (1 + size / 1e3)) <= 64
    assert run_sizer(lambda size: 10) <= 4
    assert run_sizer(lambda size: size * 1000, first=1, most=1) == 1


def test_batches_that_are_not_full_tell_nothing():
    sizer = BatchSizer()
    for _ in range(10):
        sizer.learn(5, 50, 1e-6)
    assert sizer.size == 32


def test_texts_that_come_slowly_are_not_kept_waiting_for_many_others(tagger, texts, monkeypatch):
    def sizes():
        reader = open_reader(texts, "jsonl", Columns())
        return [len(block.rows) for block in tag_blocks(tagger, reader, BatchSizer(first=100, most=100), k=1, on_error="stop")]

    assert sizes() == [100, 100, 100, 0]
    monkeypatch.setattr("lmtx.bulk.tagging.FILL_SECONDS", -1.0)  # As if each had taken longer.
    assert sizes() == [1] * 300 + [0]


# --- memory ---

PEAK = """
import sys, lmtx
lmtx.tag_to_file(*sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_memory_does_not_grow_with_the_number_of_texts(tagger_folder, tmp_path):
    def peak(count):
        texts = tmp_path / f"{count}.jsonl"
        texts.write_text("".join(f"tax {i:x}\n" for i in range(count)))
        result = run([sys.executable, "-c", PEAK, str(tagger_folder), str(texts), str(tmp_path / f"{count}.out.jsonl")])
        assert result.returncode == 0, result
        return int(result.stdout) / 1024

    few, many = peak(5_000), peak(30_000)
    # In MB: the tags as Python objects would be 25 more.
    assert many - few < 8


# --- the command ---


def tag_command(tagger_folder, *more):
    return [sys.executable, "-m", "lmtx", "tag", str(tagger_folder), *map(str, more)]


def run(arguments, **keywords):
    return subprocess.run(arguments, capture_output=True, text=True, **{"env": environment()} | keywords)


def test_the_command_writes_files_and_counts_faults(tagger_folder, texts, tmp_path):
    out, broken = tmp_path / "tags.csv", tmp_path / "broken.jsonl"
    broken.write_text(texts.read_text() + "{\n")
    result = run(tag_command(tagger_folder, broken, "--out", out, "-k", 2, "--on-error", "skip"))
    fault = f"{broken}:301: broken JSON: Expecting property name enclosed in double quotes at column 2."
    assert (result.returncode, result.stdout) == (0, f"{out}: the tags of 300 texts, 1 skipped (the first: {fault})\n"), result
    assert result.stderr.startswith("tag: 301 in ")
    piped = run(tag_command(tagger_folder, "--out", tmp_path / "piped.csv", "-k", 2, "-q"), input=texts.read_text())
    assert (piped.returncode, piped.stderr) == (0, "") and (tmp_path / "piped.csv").read_bytes() == out.read_bytes()
    shown = run(tag_command(tagger_folder, "-k", 2, "--out-format", "csv"), input=texts.read_text())
    assert shown.stdout == out.read_text()
    refused = run(tag_command(tagger_folder, texts, "--out", out))
    assert (refused.returncode, refused.stderr) == (2, f"lmtx: {out} is there already; give another name, or `overwrite`.\n")


def test_wrong_input_of_the_command_is_one_line_and_leaves_nothing(tagger_folder, texts, out):
    def refusal(*arguments):
        result = run(tag_command(*arguments, "--out", out))
        assert result.returncode == 2 and len(result.stderr.splitlines()) == 1 and names_in(out.parent) == [], result
        return result.stderr

    assert "no tagger: it has no lmtx/settings.json" in refusal(texts.parent, texts)
    assert "`text` is all that is tagged" in refusal(tagger_folder, texts, "--text", "a", "--title", "b")


def test_the_command_reads_tables_to_standard_output(tagger_folder, tmp_path):
    table = tmp_path / "texts.csv"
    table.write_text("id,body\n7,tax\n8,army\n")
    result = run(tag_command(tagger_folder, table, "--text", "body", "-k", 1))
    assert [(row["uid"], row["tags"][0]["label"]) for row in map(json.loads, result.stdout.splitlines())] == [("7", "tax"), ("8", "army")]
    refused = run(tag_command(tagger_folder, table, "--out-format", "parquet"))
    assert (refused.returncode, refused.stderr) == (2, "lmtx: Parquet is written to a file: give --out FILE.\n")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Documents that take some seconds."""
    return tiny.write_lines(tmp_path_factory.mktemp("large") / "texts.jsonl", tiny.make_documents(60_000, seed=9))


def test_ctrl_c_ends_the_command_and_a_second_process_is_refused(tagger_folder, large, tmp_path):
    out = tmp_path / "tags.jsonl"
    process = subprocess.Popen(tag_command(tagger_folder, large, "--out", out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        end = time.monotonic() + 60
        while not (Path(f"{out}.part").exists() and Path(f"{out}.part").stat().st_size):
            assert process.poll() is None and time.monotonic() < end, process.communicate(timeout=1)
            time.sleep(0.01)
        second = run(tag_command(tagger_folder, large, "--out", out))
        assert (second.returncode, second.stderr) == (1, f"lmtx: Another process is writing {out}.\n")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130 and errors.splitlines()[-1] == "lmtx: interrupted; the same command goes on from here."
    journal = json.loads(Path(f"{out}.part.json").read_text())
    assert 0 < journal["counts"]["texts"] < 60_000
    assert Path(f"{out}.part").read_bytes()[: journal["output_bytes"]].count(b"\n") == journal["counts"]["texts"] == journal["input"]["rows"]


def killed_until_done(command, out, seconds, draw, kills):
    """How often the command was killed on its way."""
    done = 0
    while not out.exists():
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment())
        try:
            _, errors = process.communicate(timeout=draw.uniform(0.2, 1.0) * seconds if done < kills else None)
            assert process.returncode == 0, errors
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            done += 1
    return done


def seeded():
    seed = int(os.environ.get("LMTX_TEST_SEED", random.SystemRandom().randrange(10**9)))
    print(f"LMTX_TEST_SEED={seed}")  # Shown where the test fails.
    return random.Random(seed)


@pytest.mark.long
@pytest.mark.parametrize("name", ["tags.jsonl", "tags.csv", "tags.parquet"])
def test_killed_at_random_moments_the_command_ends_with_the_same_bytes(tagger_folder, large, tmp_path, name):
    (tmp_path / "out").mkdir()
    whole, out = tmp_path / name, tmp_path / "out" / name
    begun = time.monotonic()
    assert run(tag_command(tagger_folder, large, "--out", whole)).returncode == 0
    assert killed_until_done(tag_command(tagger_folder, large, "--out", out), out, time.monotonic() - begun, seeded(), 20) > 0
    assert out.read_bytes() == whole.read_bytes() and names_in(out.parent) == [name]
