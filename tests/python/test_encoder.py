"""Encoder and Tokenizer from Python."""

import gc
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import lmtx


@pytest.fixture(scope="module")
def encoder(model):
    return lmtx.Encoder.load(model)


def test_vectors_are_those_of_sentence_transformers(encoder, model):
    from sentence_transformers import SentenceTransformer

    texts = ["tax bill", "A national study of health", "", "water " * 80]
    expected = SentenceTransformer(str(model), device="cpu").encode(texts)
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-5)


def test_one_text_gives_one_vector(encoder):
    np.testing.assert_array_equal(encoder.encode("tax"), encoder.encode(["tax"])[0])
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_a_torch_tensor_comes_on_request(encoder):
    import torch

    tensor = encoder.encode(["tax", "army"], out="torch")
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), encoder.encode(["tax", "army"]))
    with pytest.raises(ValueError, match="`out` must be 'numpy' or 'torch', but is 'jax' instead"):
        encoder.encode(["tax"], out="jax")


def test_a_length_cuts_texts(encoder):
    np.testing.assert_allclose(encoder.encode("tax army water", max_length=3), encoder.encode("tax"), atol=1e-6)


def test_a_prompt_is_put_before_each_text(encoder):
    np.testing.assert_allclose(encoder.encode("army", prompt="tax "), encoder.encode("tax army"), atol=1e-6)


def test_lone_surrogates_are_replacement_characters(encoder):
    np.testing.assert_array_equal(encoder.encode("tax \ud83d army"), encoder.encode("tax \ufffd army"))


def test_progress_counts_up_to_all_texts(encoder):
    events = []
    encoder.encode([f"tax {i}" for i in range(500)], on_event=events.append, token_budget=256)
    assert len(events) > 1
    assert (events[-1].kind, events[-1].done, events[-1].total) == ("progress", 500, 500)


def test_an_exception_in_the_callback_comes_out(encoder):
    def fail(event):
        raise LookupError("from the callback")

    with pytest.raises(LookupError, match="from the callback"):
        encoder.encode(["tax"] * 3, on_event=fail)


def test_only_strings_are_texts(encoder):
    with pytest.raises(TypeError):
        encoder.encode([b"tax"])
    with pytest.raises(TypeError):
        encoder.encode([None])


def test_an_encoder_is_saved_for_others(encoder, tmp_path):
    encoder.save(tmp_path / "copy", max_length=17)
    copy = lmtx.Encoder.load(tmp_path / "copy")
    assert copy.max_length == 17
    np.testing.assert_array_equal(copy.encode("tax"), encoder.encode("tax"))


def test_a_folder_that_is_no_model_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=str(tmp_path)):
        lmtx.Encoder.load(tmp_path)


def test_token_arrays_share_memory_and_outlive_the_tokenizer(model):
    first, second = lmtx.Tokenizer.load(model).encode(["tax bill", "x"], max_length=16)
    assert first.dtype == np.int32
    assert first.base is not None
    from transformers import AutoTokenizer

    assert first.tolist() == AutoTokenizer.from_pretrained(model)("tax bill")["input_ids"]
    assert len(second) == 3


def test_encoding_works_in_threads_and_releases_the_gil(encoder):
    from concurrent.futures import ThreadPoolExecutor

    texts = [f"tax {i} army" for i in range(200)]
    expected = encoder.encode(texts)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: encoder.encode(texts), range(8)):
            np.testing.assert_array_equal(vectors, expected)


def test_numpy_output_does_not_import_torch(model):
    program = f"import lmtx, sys; lmtx.Encoder.load({str(model)!r}).encode('tax'); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"


def test_a_repr_shows_shapes(encoder):
    assert repr(encoder) == "Encoder(dim=32, max_length=48)"


# --- what texts may come in ---

TEXTS = ["tax bill", "", "army \u00e9t\u00e9 \U0001f600", "tax bill"]


@pytest.mark.parametrize(
    "make",
    [
        tuple,
        iter,
        lambda texts: (text for text in texts),
        lambda texts: dict(enumerate(texts)).values(),
        np.array,
        lambda texts: np.array(texts, dtype=object),
        lambda texts: np.array(texts, dtype=np.dtypes.StringDType()),
        lambda texts: np.array([text for text in texts for _ in range(2)])[::2],
        lambda texts: np.array(texts)[::-1][::-1],
        lambda texts: np.array(texts).astype(">U12"),
        pd.Series,
        lambda texts: pd.Series(texts, index=[7, 3, 3, 0]),
        lambda texts: pd.Series(texts, dtype=object, index=list("dcba")),
        lambda texts: pd.Series(texts, dtype="string"),
        lambda texts: pd.Series(texts, dtype="category"),
        lambda texts: pd.DataFrame({"text": texts})["text"],
        lambda texts: pd.Index(texts),
    ],
)
def test_texts_come_in_any_ordered_form(encoder, make):
    np.testing.assert_array_equal(encoder.encode(make(TEXTS)), encoder.encode(TEXTS))


@pytest.mark.parametrize("make", [np.str_, np.array, lambda text: np.array(text, dtype=object)])
def test_one_text_of_numpy_gives_one_vector(encoder, make):
    np.testing.assert_array_equal(encoder.encode(make("tax bill")), encoder.encode("tax bill"))
    np.testing.assert_array_equal(encoder.encode(np.array(TEXTS)[2]), encoder.encode(TEXTS[2]))


@pytest.mark.parametrize("empty", [[], (), np.array([], dtype=str), pd.Series([], dtype=object), iter(())])
def test_no_texts_give_no_vectors(encoder, empty):
    assert encoder.encode(empty).shape == (0, encoder.dim)


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_a_missing_text_is_refused_with_its_position(encoder, missing):
    with pytest.raises(TypeError, match=r"the text at position 2 is missing \((None|nan|<NA>|NaT)\); leave it out, or put \"\" in its place."):
        encoder.encode(["tax", "army", missing])
    with pytest.raises(TypeError, match="the text at position 1 is missing"):
        encoder.encode(pd.Series(["tax", missing], index=[9, 8], dtype=object))


def test_missing_texts_in_columns_are_refused(encoder):
    for dtype in (object, "string", "str"):
        with pytest.raises(TypeError, match="the text at position 1 is missing"):
            encoder.encode(pd.Series(["tax", None], dtype=dtype))
    with pytest.raises(TypeError, match="the text at position 0 is missing"):
        encoder.encode(np.array([None, "tax"], dtype=object))


def test_what_is_no_text_is_refused(encoder):
    with pytest.raises(TypeError, match="the text at position 1 must be a str, but is of type int instead"):
        encoder.encode(["tax", 7])
    with pytest.raises(TypeError, match="the text at position 0 must be a str, but is of type bytes instead"):
        encoder.encode(np.array([b"tax"], dtype=object))
    with pytest.raises(TypeError, match=r"an array of texts must have one dimension, but has shape \(1, 2\) instead"):
        encoder.encode(np.array([["tax", "army"]]))
    with pytest.raises(TypeError, match="texts must be a list or one column of a table, but came as DataFrame"):
        encoder.encode(pd.DataFrame({"text": ["tax"]}))
    for unordered in ({"tax"}, {"tax": "army"}, b"tax", 7, None, np.array(7), np.array(None)):
        with pytest.raises(TypeError):
            encoder.encode(unordered)


def test_an_exception_in_a_generator_comes_out(encoder):
    def texts():
        yield "tax"
        raise LookupError("from the generator")

    with pytest.raises(LookupError, match="from the generator"):
        encoder.encode(texts())


def test_texts_that_change_or_go_away_meanwhile_are_read_as_they_were(encoder):
    texts = [f"tax {i}" for i in range(200)]
    expected = encoder.encode(texts)
    ours = list(texts)

    def clear(event):
        ours.clear()
        gc.collect()

    np.testing.assert_array_equal(encoder.encode(ours, on_event=clear), expected)
    assert ours == []


def test_the_tokenizer_takes_the_same(model):
    tokenizer = lmtx.Tokenizer.load(model)
    expected = [ids.tolist() for ids in tokenizer.encode(TEXTS, max_length=16)]
    assert [ids.tolist() for ids in tokenizer.encode(pd.Series(TEXTS, index=[3, 2, 1, 0]), max_length=16)] == expected
    with pytest.raises(TypeError, match="the text at position 0 is missing"):
        tokenizer.encode([None], max_length=16)


def test_prompts_can_be_replaced(encoder, tmp_path):
    changed = encoder.with_prompts({"query": "tax "}, default_name="query")
    np.testing.assert_array_equal(changed.encode("army"), encoder.encode("army", prompt="tax "))
    assert (changed.prompts["query"], changed.default_prompt_name) == ("tax ", "query")
    assert encoder.default_prompt_name is None
    changed.save(tmp_path / "saved")
    np.testing.assert_array_equal(lmtx.Encoder.load(tmp_path / "saved").encode("army"), changed.encode("army"))
    with pytest.raises(ValueError, match="There is no prompt `passage`"):
        encoder.with_prompts({}, default_name="passage")
