"""Tagger from Python, and its folder in other hands."""

import gc

import numpy as np
import pandas as pd
import pytest

import lmtx


@pytest.fixture(scope="module")
def tagger(tagger_folder):
    return lmtx.Tagger.load(tagger_folder)


def test_tags_come_best_first_with_names(tagger):
    tags = tagger.tag("tax office report", k=3)
    assert [tag.score for tag in tags] == sorted((tag.score for tag in tags), reverse=True)
    assert len(tags) == 3 and all(tag.uid == f"l-{tag.label}" and tagger.labels[tag.number].name == tag.label for tag in tags)
    assert tags[0].probability is None
    assert repr(tags[0]) == f"Tag(label='{tags[0].label}', score={tags[0].score:.2f})"
    assert len(tagger.tag("tax")) == tagger.k == 5


def found(tags):
    return [(tag.number, pytest.approx(tag.score, abs=1e-6)) for tag in tags]


def test_documents_and_dicts_are_tagged_by_their_text(tagger):
    expected = found(tagger.tag("tax\tarmy report"))
    assert found(tagger.tag(lmtx.Document(title="tax", content="army report"))) == expected
    assert found(tagger.tag({"title": "tax", "content": "army report"})) == expected
    assert [found(tags) for tags in tagger.tag([{"title": "tax", "content": "army report"}])] == [expected]
    assert [found(tags) for tags in tagger.tag(["tax\tarmy report"])] == [expected]
    assert tagger.tag([]) == []


def test_a_dict_without_text_is_refused(tagger):
    with pytest.raises((ValueError, TypeError)):
        tagger.tag({"uid": "x"})


def test_parts_outlive_the_tagger(tagger_folder):
    tagger = lmtx.Tagger.load(tagger_folder)
    labels, encoder, index = tagger.labels, tagger.encoder, tagger.index
    del tagger
    gc.collect()
    assert (labels.names[0], encoder.dim, len(index)) == ("tax", 32, 12)


def test_a_tagger_is_its_parts(tagger, tmp_path):
    rebuilt = lmtx.Tagger(tagger.encoder, tagger.labels, tagger.index, settings=tagger.settings, k=2)
    assert [t.number for t in rebuilt.tag("water grant")] == [t.number for t in tagger.tag("water grant", k=2)]
    rebuilt.save(tmp_path / "copy", provenance='{"from": "a test"}')
    assert [t.number for t in lmtx.Tagger.load(tmp_path / "copy").tag("water grant")] == [t.number for t in rebuilt.tag("water grant")]
    assert repr(rebuilt) == f"Tagger(12 labels, dim=32, search_length={tagger.settings.search_length}, k=2)"


def test_the_folder_opens_in_sentence_transformers_with_the_same_vectors(tagger, tagger_folder, data):
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(tagger_folder), device="cpu")
    assert peer.max_seq_length == tagger.settings.search_length
    texts = [document.text for document in lmtx.Corpus.open(data / "test.jsonl")]
    np.testing.assert_allclose(tagger.encoder.encode(texts, max_length=tagger.settings.search_length), peer.encode(texts), atol=1e-5)


def test_a_folder_that_is_no_tagger_is_named(model, tmp_path):
    for folder in (model, tmp_path):
        with pytest.raises(RuntimeError, match=str(folder)):
            lmtx.Tagger.load(folder)


def test_texts_and_documents_come_in_any_ordered_form(tagger):
    texts = ["tax office", "", "army \u00e9"]
    expected = [found(tags) for tags in tagger.tag(texts)]
    for form in (tuple(texts), iter(texts), np.array(texts), pd.Series(texts, index=[5, 5, 0]), [lmtx.Document(content=text) for text in texts]):
        assert [found(tags) for tags in tagger.tag(form)] == expected
    mixed = ["tax office", {"title": "", "content": ""}, lmtx.Document(title="army \u00e9")]
    assert [found(tags) for tags in tagger.tag(mixed)] == expected
    assert [found(tags) for tags in tagger.tag(documents=mixed)] == expected
    assert found(tagger.tag(np.array("tax office"))) == expected[0]


def test_missing_texts_are_refused_with_their_position(tagger):
    with pytest.raises(TypeError, match=r"the text at position 1 is missing \(None\)"):
        tagger.tag(["tax", None])
    with pytest.raises(TypeError, match="the text at position 1 is missing"):
        tagger.tag(pd.Series(["tax", float("nan")]))
    with pytest.raises(TypeError, match="the text at position 0 must be a str, a Document or a dict, but is of type int instead"):
        tagger.tag([3])
    with pytest.raises(TypeError, match="came as DataFrame"):
        tagger.tag(pd.DataFrame({"text": ["tax"]}))


def test_lengths_are_the_encoders_own_unless_given(model, data, tmp_path):
    encoder, labels = lmtx.Encoder.load(model), lmtx.LabelSet.open(data / "labels.jsonl")
    tagger = lmtx.Tagger.from_labels(encoder, labels)
    assert (tagger.settings.search_length, tagger.settings.label_length) == (encoder.max_length, encoder.max_length) == (48, 48)
    assert lmtx.Tagger(encoder, labels, tagger.index, settings=lmtx.TaggerSettings(label_length=8)).settings.label_length == 8
    tagger.save(tmp_path / "tagger")
    assert repr(lmtx.Tagger.load(tmp_path / "tagger").settings) == repr(tagger.settings)
    with pytest.raises(ValueError, match="`search_length` must lie between 2 and the model's 64 positions, but is 65 instead"):
        lmtx.Tagger.from_labels(encoder, labels, settings=lmtx.TaggerSettings(search_length=65))


def test_labels_are_embedded_in_the_dtype_that_is_asked_for(model, data):
    encoder, labels = lmtx.Encoder.load(model), lmtx.LabelSet.open(data / "labels.jsonl")
    tagger = lmtx.Tagger.from_labels(encoder, labels, dtype="int8", settings=lmtx.TaggerSettings(search_length=48, label_length=48))
    index = lmtx.LabelIndex.build(encoder.encode(labels.names, dtype="int8", normalize=True))
    queries = encoder.encode(labels.names, normalize=True)
    np.testing.assert_array_equal(tagger.index.search(queries, 3).scores, index.search(queries, 3).scores)
    with pytest.raises(ValueError, match='`dtype` is "float16", which is computed on cards only'):
        lmtx.Tagger.from_labels(encoder, labels, dtype="float16")
