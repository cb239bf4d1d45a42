"""Training of each kind of network, with a Dense module: every weight learns, and the student opens in sentence-transformers."""

import shutil

import numpy as np
import pytest

import lmtx
import tiny

SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
KINDS = {
    "RobertaConfig": dict(max_position_embeddings=66, type_vocab_size=1),
    "XLMRobertaConfig": dict(max_position_embeddings=66),
    "MPNetConfig": dict(max_position_embeddings=66),
    "ModernBertConfig": dict(
        max_position_embeddings=64, local_attention=8, pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3, mlp_dropout=0.1
    ),
}
# What no vector depends on.
UNUSED = ("pooler.", "position_ids")


def write_tokenizer(folder):
    """As a tokenizer.json: for ModernBERT transformers reads no vocab.txt."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = wordpieces(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", model_max_length=48
    ).save_pretrained(folder)


def wordpieces(folder):
    from transformers import BertTokenizer

    words = (folder / "vocab.txt").read_text().splitlines()
    return BertTokenizer(vocab={word: i for i, word in enumerate(words)}).backend_tokenizer


@pytest.fixture
def network(model, tmp_path):
    """Writes a folder of sentence-transformers: a network with random weights, mean pooling, Dense."""

    def write(kind):
        import torch
        import transformers
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer import modules

        torch.manual_seed(1)
        bare = tmp_path / "bare"
        bare.mkdir()
        shutil.copy(model / "vocab.txt", bare)
        write_tokenizer(bare)
        vocabulary = len((bare / "vocab.txt").read_text().splitlines())
        config = getattr(transformers, kind)(**SIZES, **KINDS[kind], vocab_size=vocabulary)
        transformers.AutoModel.from_config(config).save_pretrained(bare)
        parts = [modules.Transformer(str(bare)), modules.Pooling(32), modules.Dense(32, 24), modules.Normalize()]
        SentenceTransformer(modules=parts, device="cpu").save(str(tmp_path / kind), create_model_card=False)
        return tmp_path / kind

    return write


def weights(folder):
    from safetensors.numpy import load_file

    files = {"": folder / "model.safetensors", "dense/": folder / "2_Dense" / "model.safetensors"}
    return {prefix + name: tensor for prefix, file in files.items() for name, tensor in load_file(file).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_learns_and_the_student_is_an_ordinary_model(network, kind, tmp_path, fast):
    from sentence_transformers import SentenceTransformer

    base = network(kind)
    tagger = lmtx.train(tiny.make_documents(), tiny.TOPICS, teacher=tiny.topic_answers, base=base, out=tmp_path / "run", progress=False, **fast | {"cycles": 1})
    cycle = tagger.report.cycles[0]
    assert cycle.last_loss < cycle.first_loss
    folder = tmp_path / "run" / "cycle-0" / "student"
    before, after = weights(base), weights(folder)
    assert set(before) == set(after)
    unchanged = [name for name in before if np.array_equal(before[name], after[name])]
    assert [name for name in unchanged if not name.startswith(UNUSED)] == []
    texts = [document["content"] for document in tiny.make_documents(20, seed=7)]
    np.testing.assert_allclose(lmtx.Encoder.load(folder).encode(texts), SentenceTransformer(str(folder), device="cpu").encode(texts), atol=1e-5)
