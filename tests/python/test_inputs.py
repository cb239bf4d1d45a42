"""Documents and labels as Python programs have them."""

import gzip
import json

import pandas as pd
import pytest

import lmtx
from lmtx.inputs import make_corpus, make_labels


def texts(corpus):
    return [(document.uid, document.title, document.content) for document in corpus]


def test_texts_are_numbered_by_position():
    assert texts(make_corpus(["one", "two"])) == [("0", "", "one"), ("1", "", "two")]


def test_dicts_bring_their_uid_title_and_content():
    assert texts(make_corpus([{"uid": "a", "title": "t", "content": "c"}, {"text": "x"}])) == [("a", "t", "c"), ("1", "", "x")]


def test_a_data_frame_is_its_rows():
    frame = pd.DataFrame({"id": [7, 8], "title": ["t", None], "text": ["c", "d"]})
    assert texts(make_corpus(frame)) == [("7", "t", "c"), ("8", "", "d")]


def test_a_path_is_read_again_and_again(tmp_path):
    file = tmp_path / "documents.jsonl.gz"
    file.write_bytes(gzip.compress(json.dumps({"uid": "a", "title": "é"}).encode()))
    corpus = make_corpus(file)
    assert len(corpus) == 1
    assert texts(corpus) == texts(corpus) == [("a", "é", "")]


def test_a_wrong_document_is_named_by_its_position():
    with pytest.raises(ValueError, match=r"document 1 must have a `title` or a `content`, but has `uid` instead\."):
        make_corpus(["fine", {"uid": "x"}])
    with pytest.raises(TypeError, match=r"document 0 must be a str or a dict, but is of type int instead\."):
        make_corpus([3])
    with pytest.raises(TypeError, match=r"document 0: `title` must be a str, but is of type int instead\."):
        make_corpus([{"title": 3}])


def test_a_uid_that_occurs_twice_is_an_error():
    with pytest.raises(ValueError, match=r"`documents\[1\]` has the uid `a`, which documents\[0\] has, too"):
        make_corpus([{"uid": "a", "title": "x"}, {"uid": "a", "title": "y"}])


def test_a_label_is_its_own_uid_unless_it_has_one():
    labels = make_labels(["tax", {"uid": "h", "title": "health", "description": "of people", "alternatives": ["care"], "broader": ["tax"]}, {"name": "army"}])
    assert [(label.uid, label.name) for label in labels] == [("tax", "tax"), ("h", "health"), ("army", "army")]
    assert (labels[1].description, labels[1].other_names, labels[1].broader) == ("of people", ["care"], ["tax"])
    assert labels.find("h") == 1 and labels.find("x") is None


def test_a_label_without_a_name_is_named_by_its_position():
    with pytest.raises(ValueError, match=r"label 1 must have a `title`, but has `uid` instead\."):
        make_labels(["tax", {"uid": "x"}])


def test_lone_surrogates_become_replacement_characters():
    assert lmtx.Document("u", content="a\ud800b").content == "a\ufffdb"
    assert lmtx.Label("u", "\udfff").name == "\ufffd"


def test_a_position_outside_of_a_label_set_is_an_index_error():
    with pytest.raises(IndexError):
        make_labels(["tax"])[1]


def test_a_label_set_is_written_and_read(tmp_path):
    labels = make_labels([{"uid": "h", "title": "health", "alternatives": ["care"]}])
    labels.save(tmp_path / "labels.jsonl")
    assert lmtx.LabelSet.open(tmp_path / "labels.jsonl").fingerprint() == labels.fingerprint()


def test_reprs_show_sizes_not_data():
    assert repr(make_corpus(["x"] * 1200)) == "Corpus(1,200 documents)"
    assert repr(make_labels(["tax", "army"])) == "LabelSet(2 labels)"
    assert repr(lmtx.Document("a", title="t", content="long text")) == "Document(uid='a', title='t', content of 9 bytes)"
