"""Byte-level BPE, SentencePiece's BPE and unigram: token ids equal those of Hugging Face's `tokenizers`, whatever the text and the settings."""

import functools
import gzip
import json
import random
import sys
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import lmtx
import pytest
import subword_models
import tokenizers
from random_texts import random_texts
from test_tokenizer_parity import ADDED_TOKENS, PIECES, UNLIMITED, assert_equal_ids, reference

ROOT = Path(__file__).parents[3]
SPECIAL = [
    "<s>",
    "</s>",
    "<mask>",
    " <mask>",
    "<unk>",
    "<pad>",
    "[MASK]",
    "[CLS]",
    "[SEP]",
    "<|padding|>",
    "[unused0]",
    "|||IP_ADDRESS|||",
    "  ",
    "   ",
    "▁",
    "▁▁",
    "'s",
]
KINDS = ["roberta", "modernbert", "xlm_roberta", "bge_m3", "newly_converted", "sentencepiece_bpe"]


@pytest.fixture(scope="session")
def bills():
    with gzip.open(ROOT / "examples/us-bills-110/train.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["content"] for line in lines][:300]


@pytest.fixture(scope="session")
def sentencepiece_model(bills):
    """Trained with the normalization that most models have (nmt_nfkc)."""
    return subword_models.train_sentencepiece(subword_models.lines_of(bills), 1_000, model_type="unigram")


@pytest.fixture(scope="session")
def make(bills, sentencepiece_model):
    """Tokenizers with many tokens of all scripts, so that no difference hides behind the unknown token."""
    odd = random_texts(2_000, seed=99)
    more = subword_models.random_pieces(odd)

    @functools.cache
    def make(kind):
        if kind in ("roberta", "modernbert"):
            return getattr(subword_models, kind)(bills + odd, 2_000)
        if kind == "sentencepiece_bpe":
            return subword_models.sentencepiece_bpe(bills + odd, 9_000)
        return getattr(subword_models, kind)(bills, 1_000, sentencepiece_model, more)

    return make


@pytest.fixture(scope="module", params=KINDS)
def pair(request, make, tmp_path_factory):
    folder = subword_models.write(make(request.param), tmp_path_factory.mktemp(request.param))
    return lmtx.Tokenizer.load(folder), reference(folder)


@pytest.mark.parametrize("count", [1_500, pytest.param(50_000, marks=pytest.mark.long)])
def test_generated_texts_have_equal_ids(pair, count):
    assert_equal_ids(*pair, random_texts(count, seed=21, tokens=SPECIAL))


def test_every_code_point_has_equal_ids(pair):
    step = 1 if isinstance(pair[1].pre_tokenizer, tokenizers.pre_tokenizers.ByteLevel) else 13
    words = [f"a{chr(c)}b {chr(c)}1" for c in range(0, sys.maxunicode + 1, step) if c < 0x34000 and not 0xD800 <= c < 0xE000]
    assert_equal_ids(*pair, [" ".join(words[i : i + 64]) for i in range(0, len(words), 64)])


# What decides where graphemes end, and some of what SentencePiece's map changes.
GRAPHEME_PARTS = [
    *"a\r\n\u0301\u0343\u0344\u200b\u200c\u200d\xa9\u2764\xad\ufe0f\u0903\u0915\u0958\u094d\u0600\u1100\u1160\u11a8",
    *"\uac00\uac01\ufb01\xbd\u3200\u0133\xa0\uff76\uff9e",
    *"\U0001f44d\U0001f3fd\U0001f1e9\U000e0001\U000e095a\U0001d173\U000110bd\U00011107\U00011133\U00016d63\U0001d165\U0001d400\U0002f800",
]


@pytest.mark.parametrize("count", [8_000, pytest.param(400_000, marks=pytest.mark.long)])
def test_graphemes_of_all_kinds_have_equal_ids(tmp_path, make, count):
    rng = random.Random(22)
    texts = ["".join(rng.choices(GRAPHEME_PARTS, k=rng.randint(1, 9))) for _ in range(count)]
    assert_equal_ids(*rewritten(make("xlm_roberta"), tmp_path), texts)


def test_very_long_words_and_texts_have_equal_ids(pair):
    pieces = ["a", "unbelievable", "é", "漢", "a\u0301", "\u0301", "\U0001f468\u200d", "ﬃ", "<s>", "<mask>a", "\x00", "\u3000", " ", "\r\n", "▁"]
    assert_equal_ids(*pair, [piece * (20_000 // len(piece)) for piece in pieces] + ["".join(random_texts(500, seed=9, tokens=SPECIAL))])


def check_what_hypothesis_finds(max_examples):
    @hypothesis.given(st.lists(st.lists(PIECES | st.sampled_from(SPECIAL), max_size=6).map("".join), max_size=10))
    @hypothesis.settings(deadline=None, max_examples=max_examples, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
    def check(pair, texts):
        assert_equal_ids(*pair, texts)

    return check


test_texts_that_hypothesis_finds_have_equal_ids = check_what_hypothesis_finds(30)
test_more_texts_that_hypothesis_finds_have_equal_ids = pytest.mark.long(check_what_hypothesis_finds(3_000))


@pytest.mark.parametrize("max_length", [2, 7, 64])
def test_truncation_is_equal(pair, max_length):
    ours, theirs = pair
    texts = random_texts(300, seed=max_length, tokens=SPECIAL)
    theirs.enable_truncation(max_length)
    expected = [encoding.ids for encoding in theirs.encode_batch(texts)]
    theirs.no_truncation()
    for text, got, want in zip(texts, ours.encode(texts, max_length=max_length), expected, strict=True):
        assert got.tolist() == want, f"for {text!r}"


def rewritten(tokenizer, folder, **parts):
    """Its file with other parts; the parts are paths with dots."""
    settings = json.loads(tokenizer.to_str())
    for path, value in parts.items():
        *parents, last = path.split("__")
        place = settings
        for parent in parents:
            place = place[parent]
        place[last] = value
    (folder / "tokenizer.json").write_text(json.dumps(settings))
    return lmtx.Tokenizer.load(folder), reference(folder)


NORMALIZERS = [
    None,
    {"type": "Lowercase"},
    {"type": "Strip", "strip_left": True, "strip_right": False},
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Prepend", "prepend": "▁"},
    {"type": "Replace", "pattern": {"String": "a"}, "content": "bb"},
    {"type": "Replace", "pattern": {"Regex": "a{3,}"}, "content": "x"},
    {"type": "Replace", "pattern": {"Regex": " +"}, "content": " "},
    {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
]


@pytest.mark.parametrize("normalizer", NORMALIZERS, ids=lambda normalizer: "none" if normalizer is None else normalizer["type"])
def test_normalizers_are_equal(tmp_path, make, normalizer):
    texts = random_texts(300, seed=31, tokens=[*SPECIAL, "aaa", "aaaa", "İ"])
    # Added tokens of spaces, as modernbert has them, become one or nothing here, which `tokenizers` cannot tell apart or panics at.
    squeezes = any(part in json.dumps(normalizer) for part in ("strip", " +"))
    for kind in ("bge_m3",) if squeezes else ("modernbert", "bge_m3"):
        assert_equal_ids(*rewritten(make(kind), tmp_path, normalizer=normalizer), texts)


def metaspace(**settings):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True} | settings


@pytest.mark.parametrize(
    "pre_tokenizer",
    [
        None,
        metaspace(),
        metaspace(prepend_scheme="never"),
        metaspace(split=False),
        metaspace(prepend_scheme="never", split=False),
        metaspace(replacement="_"),
        {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True},
        {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace(prepend_scheme="never")]},
        {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace(split=False)]},
        {"type": "Sequence", "pretokenizers": [metaspace()]},
    ],
)
def test_pre_tokenizers_are_equal(tmp_path, make, pre_tokenizer):
    texts = random_texts(500, seed=32, tokens=SPECIAL)
    for kind in ("xlm_roberta", "sentencepiece_bpe"):
        assert_equal_ids(*rewritten(make(kind), tmp_path, pre_tokenizer=pre_tokenizer), texts)


@pytest.mark.parametrize("add_prefix_space", [False, True])
@pytest.mark.parametrize("use_regex", [False, True])
def test_byte_level_settings_are_equal(tmp_path, make, add_prefix_space, use_regex):
    byte_level = {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}
    pair = rewritten(make("roberta"), tmp_path, pre_tokenizer=byte_level)
    assert_equal_ids(*pair, random_texts(500, seed=33, tokens=SPECIAL))


@pytest.mark.parametrize("fuse_unk", [False, True])
@pytest.mark.parametrize("byte_fallback", [False, True])
@pytest.mark.parametrize("ignore_merges", [False, True])
@pytest.mark.parametrize("unk_token", [None, "<unk>"])
def test_bpe_settings_are_equal(tmp_path, make, fuse_unk, byte_fallback, ignore_merges, unk_token):
    texts = random_texts(300, seed=34, tokens=SPECIAL)
    tokenizer = make("sentencepiece_bpe")
    settings = {"fuse_unk": fuse_unk, "byte_fallback": byte_fallback, "ignore_merges": ignore_merges, "unk_token": unk_token}
    # Only some bytes have tokens: some unknown characters fall back on them, others do not.
    vocab = {token: i for token, i in tokenizer.get_vocab().items() if token not in ("<0xCC>", "<0xF0>", "<0xE2>")}
    model = json.loads(tokenizer.to_str())["model"] | settings | {"vocab": vocab}
    assert_equal_ids(*rewritten(tokenizer, tmp_path, model=model), texts)


@pytest.mark.parametrize("byte_fallback", [False, True])
def test_unigram_settings_are_equal(tmp_path, make, byte_fallback):
    tokenizer = make("xlm_roberta")
    model = json.loads(tokenizer.to_str())["model"]
    byte_tokens = [[f"<0x{byte:02X}>", -3.0] for byte in range(256) if byte not in (0xCC, 0xF0)]
    model |= {"byte_fallback": byte_fallback, "vocab": model["vocab"] + byte_tokens + model["vocab"][500:510]}
    assert_equal_ids(*rewritten(tokenizer, tmp_path, model=model), random_texts(1_000, seed=35, tokens=SPECIAL))


@pytest.mark.parametrize("kind", ["roberta", "xlm_roberta"])
def test_added_tokens_are_found_as_tokenizers_finds_them(tmp_path, make, kind):
    texts = random_texts(1_000, seed=36, tokens=[token["content"] for token in ADDED_TOKENS] + ["solo_", "\u0301solo", "e\u0301"])
    tokenizer = tokenizers.Tokenizer.from_str(make(kind).to_str())
    for token in ADDED_TOKENS:
        flags = {name: token[name] for name in ("single_word", "lstrip", "rstrip", "normalized")}
        tokenizer.add_tokens([tokenizers.AddedToken(token["content"], **flags)])
    assert_equal_ids(*rewritten(tokenizer, tmp_path), texts)


@pytest.mark.parametrize("kind", ["roberta", "xlm_roberta"])
def test_texts_are_put_in_lower_case_first_where_that_is_asked_for(tmp_path, make, kind):
    tokenizer = make(kind)
    normalizer = json.loads(tokenizer.to_str())["normalizer"]
    rewritten(tokenizer, tmp_path)
    ours = lmtx.Tokenizer.load(tmp_path, lower_case=True)
    _, theirs = rewritten(tokenizer, tmp_path, normalizer={"type": "Sequence", "normalizers": [{"type": "Lowercase"}, *([normalizer] if normalizer else [])]})
    assert_equal_ids(ours, theirs, random_texts(500, seed=37, tokens=SPECIAL))


def test_post_processors_are_equal(tmp_path, make):
    tokenizer = make("roberta")
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
    }
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    for processor in (None, byte_level, template, {"type": "Sequence", "processors": [byte_level, template]}):
        assert_equal_ids(*rewritten(tokenizer, tmp_path, post_processor=processor), ["", "a b", "<s>x"])


def test_mpnet_puts_its_own_special_tokens_around_a_text(tmp_path):
    """WordPiece with <s> and </s>."""
    model = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "##b": 5, "[UNK]": 6, "<mask>": 7},
    }
    added = [{"id": 7, "content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False, "special": True}]
    settings = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "decoder": None,
        "model": model,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(settings))
    ours = lmtx.Tokenizer.load(tmp_path)
    assert (ours.prefix.tolist(), ours.suffix.tolist()) == ([0], [2])
    assert_equal_ids(ours, reference(tmp_path), ["", "AB  <mask> ab x"])


def test_ids_do_not_depend_on_texts_before(pair):
    ours, _ = pair
    texts = random_texts(300, seed=38, tokens=SPECIAL)
    first = [ids.tolist() for ids in ours.encode(texts, max_length=UNLIMITED)]
    ours.encode(random_texts(300, seed=39), max_length=5)
    assert [ids.tolist() for ids in ours.encode(texts, max_length=UNLIMITED)] == first


@pytest.mark.parametrize("kind", KINDS)
def test_a_disturbed_tokenizer_json_loads_or_is_refused(tmp_path, make, kind):
    """Bytes that change, values of other types, parts that are missing: an error names the file, and what loads can be used."""
    rng = random.Random(51)
    whole = make(kind).to_str()
    settings = json.loads(whole)
    texts = random_texts(20, seed=52, tokens=SPECIAL)
    for _ in range(12):
        (tmp_path / "tokenizer.json").write_text(disturbed(whole, settings, rng))
        try:
            tokenizer = lmtx.Tokenizer.load(tmp_path)
        except RuntimeError as error:
            assert str(error).startswith(str(tmp_path / "tokenizer.json"))
        else:
            tokenizer.encode(texts, max_length=50)


def disturbed(whole, settings, rng):
    if rng.random() < 0.3:
        at = rng.randrange(len(whole))
        return whole[:at] + rng.choice(["", "0", '"', "}", "\\"]) + whole[at + 1 :]
    parts = {name: settings[name] for name in ("normalizer", "pre_tokenizer", "post_processor", "added_tokens")} | {"model": dict(settings["model"])}
    # The small parts, and of the model all but what it is large by.
    places = [(parts, name) for name in parts] + [(parts["model"], name) for name in parts["model"]]
    copied = json.loads(json.dumps({name: part for name, part in parts.items() if name != "model"}))
    places += [(place, name) for part in copied.values() if part for place in walk(part) for name in (place if isinstance(place, dict) else range(len(place)))]
    parts |= copied
    place, name = rng.choice(places)
    place[name] = rng.choice([None, 0, -1, 2.5, "x", "", [], {}, [[]], {"type": "Sequence"}, True])
    return json.dumps(settings | parts)


def walk(value):
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from walk(part)
