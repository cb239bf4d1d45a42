"""DataFrames of texts to DataFrames of tags."""

import numpy as np
import pandas
import pytest

import lmtx


@pytest.fixture(scope="module")
def tagger(model, data):
    return lmtx.Tagger.from_labels(lmtx.Encoder.load(model), lmtx.LabelSet.open(data / "labels.jsonl"), k=2)


@pytest.fixture
def frame():
    return pandas.DataFrame({"body": ["tax bill", "army", "water"], "from": ["a", "b", "c"], "subject": ["trade", "prison", "energy"]}, index=[30, 10, 10])


def fields(tags):
    return [(tag.uid, tag.label, tag.score) for tag in tags]


def test_a_column_has_the_tags_that_each_text_gets_alone(tagger, frame):
    before = frame.copy()
    tagged = tagger.tag_frame(frame, text="body")
    assert [fields(tags) for tags in tagged["tags"]] == [fields(tagger.tag(text)) for text in frame["body"]]
    assert list(tagged.columns) == ["body", "from", "subject", "tags"] and list(tagged.index) == [30, 10, 10]
    pandas.testing.assert_frame_equal(frame, before)
    pandas.testing.assert_frame_equal(tagged[list(before.columns)], before)
    assert tagged["tags"].iloc[0]._repr_html_().startswith("<table>")


def test_titles_and_contents_are_put_together_as_documents_are(tagger, frame):
    tagged = tagger.tag_frame(frame, title="subject", content="body", k=1, column="best")
    assert [fields(tags) for tags in tagged["best"]] == [fields(tagger.tag(f"{row.subject}\t{row.body}", k=1)) for row in frame.itertuples()]
    usual = frame.rename(columns={"subject": "title", "body": "content"})
    assert [fields(tags) for tags in tagger.tag_frame(usual, k=1)["tags"]] == [fields(tags) for tags in tagged["best"]]


def test_exploded_it_has_a_row_for_each_tag(tagger, frame):
    tagged = lmtx.tag_frame(tagger, frame, text="body", explode=True)
    lists = [tagger.tag(text) for text in frame["body"]]
    assert tagged["tag"].tolist() == [tag.uid for tags in lists for tag in tags]
    assert tagged["score"].tolist() == [tag.score for tags in lists for tag in tags]
    assert tagged["rank"].tolist() == [1, 2] * 3 and tagged["from"].tolist() == ["a", "a", "b", "b", "c", "c"]
    assert list(tagged.index) == [30, 30, 10, 10, 10, 10] and tagged["probability"].isna().all()
    assert list(tagged.columns) == ["body", "from", "subject", "rank", "tag", "label", "score", "probability"]


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_text_raises_is_skipped_or_has_no_tags(tagger, frame, missing):
    frame["body"] = pandas.Series(["tax", missing, "water"], index=frame.index, dtype=object)
    with pytest.raises(ValueError, match="row 10: a document needs a `body`"):
        tagger.tag_frame(frame, text="body")
    assert tagger.tag_frame(frame, text="body", on_error="skip")["from"].tolist() == ["a", "c"]
    assert [len(tags) for tags in tagger.tag_frame(frame, text="body", on_error="empty")["tags"]] == [2, 0, 2]
    assert tagger.tag_frame(frame, text="body", on_error="empty", explode=True)["from"].tolist() == ["a", "a", "c", "c"]


def test_no_rows_stay_none(tagger, frame):
    assert list(tagger.tag_frame(frame.iloc[:0], text="body").columns) == ["body", "from", "subject", "tags"]
    assert len(tagger.tag_frame(frame.iloc[:0], text="body", explode=True)) == 0


def test_wrong_frames_are_named(tagger, frame):
    with pytest.raises(TypeError, match="`frame` must be a pandas DataFrame, but is of type list instead"):
        tagger.tag_frame(["tax"])
    with pytest.raises(ValueError, match="`frame` has no column `boby`, but `body`, `from`, `subject`"):
        tagger.tag_frame(frame, text="boby")
    with pytest.raises(ValueError, match="`frame` must have a column `title` or a `content` or a `text`, but has `body`, `from`, `subject` instead"):
        tagger.tag_frame(frame)
    with pytest.raises(ValueError, match="`frame` has a column `from` already: rename it, or name the new one otherwise"):
        tagger.tag_frame(frame, text="body", column="from")
    with pytest.raises(TypeError, match="row 30: `body` must be a str, but is of type int instead"):
        tagger.tag_frame(frame.assign(body=[1, 2, 3]), text="body")
    with pytest.raises(ValueError, match="`text` is all that is tagged"):
        tagger.tag_frame(frame, text="body", title="subject")
