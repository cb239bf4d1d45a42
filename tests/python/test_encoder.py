"""Encoder and Tokenizer from Python."""

import subprocess
import sys

import numpy as np
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
