"""Token ids equal those of Hugging Face's `tokenizers`, whatever the text and the settings."""

import itertools
import json
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import lmtx
import pytest
import tokenizers
from lmtx.models import bundled_minilm
from random_texts import random_texts

ROOT = Path(__file__).parents[3]
UNLIMITED = 2**40
SPECIAL = ["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "[sep]", "[CLS", "[SEP][SEP]"]


def reference(folder):
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def assert_equal_ids(ours, theirs, texts):
    expected = [encoding.ids for encoding in theirs.encode_batch(texts)]
    for text, got, want in zip(texts, ours.encode(texts, max_length=UNLIMITED), expected, strict=True):
        assert got.tolist() == want, f"for {text!r}"


@pytest.fixture(scope="module")
def minilm():
    folder = bundled_minilm()
    return lmtx.Tokenizer.load(folder), reference(folder)


def test_20000_generated_texts_have_equal_ids(minilm):
    assert_equal_ids(*minilm, random_texts(20_000, seed=3, tokens=SPECIAL))


def test_every_code_point_has_equal_ids(minilm):
    words = [f"a{chr(c)}b {chr(c)}" for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    assert_equal_ids(*minilm, [" ".join(words[i : i + 64]) for i in range(0, len(words), 64)])


@hypothesis.given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=20))
@hypothesis.settings(deadline=None, max_examples=300)
def test_texts_that_hypothesis_finds_have_equal_ids(minilm, texts):
    assert_equal_ids(*minilm, texts)


def test_documents_and_labels_have_equal_ids():
    command = [ROOT / "benchmarks/parity/tokenizer.py", "--model", bundled_minilm(), ROOT / "examples/us-bills-110"]
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 differ" in result.stdout


@pytest.mark.parametrize("max_length", [2, 3, 7, 128])
def test_truncation_is_equal(minilm, max_length):
    ours, _ = minilm
    theirs = reference(bundled_minilm())
    theirs.enable_truncation(max_length)
    texts = random_texts(2_000, seed=max_length, tokens=SPECIAL)
    for text, got, want in zip(texts, ours.encode(texts, max_length=max_length), theirs.encode_batch(texts), strict=True):
        assert got.tolist() == want.ids, f"for {text!r}"


# Settings are compared with a vocabulary of single characters, so that no difference hides behind [UNK].


def characters_of(texts):
    """All characters that normalization may make of these texts."""
    seen = set("".join(texts))
    seen |= set(unicodedata.normalize("NFD", "".join(seen)))
    seen |= {part for c in seen for part in c.lower()}
    return sorted(seen)


def write_tokenizer(folder, texts, added_tokens=(), post_processor=None, **normalizer):
    pieces = ["[UNK]", *(piece for c in characters_of(texts) for piece in (c, "##" + c))]
    settings = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(added_tokens),
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True} | normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": post_processor,
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100},
    }
    settings["model"]["vocab"] = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    (folder / "tokenizer.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), list(itertools.product((True, False), (True, False), (None, True, False), (True, False)))
)
def test_every_normalizer_setting_has_equal_ids(tmp_path, clean_text, handle_chinese_chars, strip_accents, lowercase):
    texts = random_texts(1_500, seed=11)
    settings = {"clean_text": clean_text, "handle_chinese_chars": handle_chinese_chars, "strip_accents": strip_accents, "lowercase": lowercase}
    folder = write_tokenizer(tmp_path, texts, **settings)
    assert_equal_ids(lmtx.Tokenizer.load(folder), reference(folder), texts)


def added_token(content, **flags):
    return {"id": 0, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False} | flags


ADDED_TOKENS = [
    added_token("[X]", special=True),
    added_token("<l>", lstrip=True),
    added_token("<r>", rstrip=True),
    added_token("<lr>", lstrip=True, rstrip=True),
    added_token("solo", single_word=True),
    added_token("solo l", single_word=True, lstrip=True),
    added_token("<a>"),
    added_token("<a><b>"),
    added_token("漢é"),
    added_token("Été", normalized=True),
    added_token("two words", normalized=True),
    added_token("日本", normalized=True),
    added_token("Lonely", normalized=True, single_word=True),
    added_token("Left", normalized=True, lstrip=True, rstrip=True),
]


@pytest.mark.parametrize("with_normalized", [False, True])
@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("clean_text", [False, True])
def test_added_tokens_are_found_as_tokenizers_finds_them(tmp_path, with_normalized, lowercase, clean_text):
    tokens = [token for token in ADDED_TOKENS if with_normalized or not token["normalized"]]
    contents = [token["content"] for token in ADDED_TOKENS]
    texts = random_texts(3_000, seed=5, tokens=[*contents, "été", "É\u0301te\u0301", "TWO\u00a0WORDS", "solo_", "_solo", "\u0301solo", "lonely"])
    folder = write_tokenizer(tmp_path, texts + contents, tokens, lowercase=lowercase, clean_text=clean_text)
    assert_equal_ids(lmtx.Tokenizer.load(folder), reference(folder), texts)


def test_an_added_token_that_must_stand_alone_does_so_beside_any_code_point(tmp_path):
    folder = write_tokenizer(tmp_path, ["a"], [added_token("X", single_word=True)])
    ours, theirs = lmtx.Tokenizer.load(folder), reference(folder)
    words = [f"{chr(c)}X" for c in range(0x40000) if not 0xD800 <= c < 0xE000]
    assert_equal_ids(ours, theirs, [" ".join(words[i : i + 64]) for i in range(0, len(words), 64)])


@pytest.mark.parametrize(
    "post_processor",
    [
        None,
        {"type": "BertProcessing", "sep": ["a", 1], "cls": ["b", 3]},
        {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "s", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "s", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"s": {"id": "s", "ids": [1, 2], "tokens": ["a", "##a"]}},
        },
    ],
)
def test_special_tokens_around_a_text_are_equal(tmp_path, post_processor):
    folder = write_tokenizer(tmp_path, ["ab"], post_processor=post_processor)
    assert_equal_ids(lmtx.Tokenizer.load(folder), reference(folder), ["", "ab", "a b a"])


@pytest.mark.parametrize(
    "config",
    [
        None,
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False, "tokenize_chinese_chars": False},
        {"do_lower_case": False, "strip_accents": True, "mask_token": "[unused1]", "model_max_length": 77},
    ],
)
def test_a_vocab_txt_is_read_as_transformers_reads_it(tmp_path, config):
    transformers = pytest.importorskip("transformers")
    shutil.copy(bundled_minilm() / "vocab.txt", tmp_path)
    if config is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": "BertTokenizer"}))
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    ours = lmtx.Tokenizer.load(tmp_path)
    assert ours.model_max_length == (config or {}).get("model_max_length", 0)
    assert_equal_ids(ours, theirs.backend_tokenizer, random_texts(3_000, seed=8, tokens=[*SPECIAL, "[unused1]"]))


def test_a_lone_surrogate_counts_as_one_replacement_character(tmp_path):
    folder = write_tokenizer(tmp_path, ["ab\ufffd"], clean_text=False)
    tokenizer = lmtx.Tokenizer.load(folder)
    surrogate, replacement = tokenizer.encode(["a\ud800b", "a\ufffdb"], max_length=UNLIMITED)
    assert surrogate.tolist() == replacement.tolist()
