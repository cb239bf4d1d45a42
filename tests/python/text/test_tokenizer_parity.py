"""Token ids equal those of Hugging Face's `tokenizers`, whatever the text and the settings."""

import itertools
import json
import random
import re
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
from random_texts import ALPHABETS, random_texts, with_surrogates

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


# 100,000 in all.
@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.long) for seed in (4, 5, 6, 7))])
def test_20000_generated_texts_have_equal_ids(minilm, seed):
    assert_equal_ids(*minilm, random_texts(20_000, seed=seed, tokens=SPECIAL))


def test_very_long_words_and_texts_have_equal_ids(minilm):
    pieces = ["a", "unbelievable", "é", "漢", "a\u0301", "\u0301", "\U0001f468\u200d", "ﬃ", "[SEP]", "[MASK]a", "\x00", "\u3000", "I\u0307"]
    assert_equal_ids(*minilm, [piece * (200_000 // len(piece)) for piece in pieces] + ["".join(random_texts(3_000, seed=9, tokens=SPECIAL))])


def test_lone_surrogates_have_the_ids_of_replacement_characters(minilm):
    """They are all that tokenizers does not take."""
    ours, theirs = minilm
    rng = random.Random(10)
    texts = [with_surrogates(text, rng) for text in random_texts(3_000, seed=10, tokens=SPECIAL)]
    replaced = [re.sub("[\ud800-\udfff]", "\ufffd", text) for text in texts]
    assert texts != replaced
    expected = [encoding.ids for encoding in theirs.encode_batch(replaced)]
    for text, got, want in zip(texts, ours.encode(texts, max_length=UNLIMITED), expected, strict=True):
        assert got.tolist() == want, f"for {text!r}"


def test_every_code_point_has_equal_ids(minilm):
    words = [f"a{chr(c)}b {chr(c)}" for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    assert_equal_ids(*minilm, [" ".join(words[i : i + 64]) for i in range(0, len(words), 64)])


CHARACTERS = st.characters(exclude_categories=["Cs"])
PIECES = st.one_of(
    st.text(CHARACTERS, max_size=60),
    st.sampled_from(SPECIAL),
    st.text(st.characters(categories=["Mn", "Mc", "Me", "Cf", "Cc", "Co", "Cn", "Zs", "Zl", "Zp"]), max_size=20),
    st.builds(str.__mul__, st.text(CHARACTERS, min_size=1, max_size=3), st.integers(1, 150)),
)


def check_what_hypothesis_finds(max_examples):
    """A test of texts glued together from pieces."""

    @hypothesis.given(st.lists(st.lists(PIECES, max_size=6).map("".join), max_size=10))
    @hypothesis.settings(deadline=None, max_examples=max_examples)
    def check(minilm, texts):
        assert_equal_ids(*minilm, texts)

    return check


test_texts_that_hypothesis_finds_have_equal_ids = check_what_hypothesis_finds(300)
test_more_texts_that_hypothesis_finds_have_equal_ids = pytest.mark.long(check_what_hypothesis_finds(5_000))


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


def write_tokenizer(folder, texts, added_tokens=(), post_processor=None, lowercase_first=False, **normalizer):
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
    if lowercase_first:
        settings["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, settings["normalizer"]]}
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


@pytest.mark.parametrize(("strip_accents", "lowercase"), list(itertools.product((True, False), (True, False))))
def test_a_lowercase_before_the_normalizer_has_equal_ids(tmp_path, strip_accents, lowercase):
    texts = [*random_texts(1_500, seed=12), " ".join(ALPHABETS["case"]), "".join(ALPHABETS["case"])]
    folder = write_tokenizer(tmp_path, texts, [added_token("Été", normalized=True)], lowercase_first=True, strip_accents=strip_accents, lowercase=lowercase)
    assert_equal_ids(lmtx.Tokenizer.load(folder), reference(folder), [*texts, "an ÉTÉ and an été"])


def test_other_sequences_of_normalizers_are_refused(tmp_path):
    folder = write_tokenizer(tmp_path, ["a"], lowercase_first=True)
    settings = json.loads((folder / "tokenizer.json").read_text())
    lowercase, bert = settings["normalizer"]["normalizers"]
    for steps in ([], [{"type": "NFC"}, bert], [bert, lowercase], [lowercase]):
        (folder / "tokenizer.json").write_text(json.dumps(settings | {"normalizer": {"type": "Sequence", "normalizers": steps}}))
        with pytest.raises(RuntimeError, match='tokenizer.json: `normalizer`: of the type "Sequence" only a "Lowercase" before a "BertNormalizer" is supported'):
            lmtx.Tokenizer.load(folder)


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
