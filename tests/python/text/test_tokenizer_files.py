"""Folders of models, with and without a tokenizer.json: token ids equal those of the tokenizer that transformers makes of them."""

import gzip
import json
from pathlib import Path

import lmtx
import pytest
import subword_models
from random_texts import random_texts
from test_tokenizer_parity import assert_equal_ids

transformers = pytest.importorskip("transformers")

ROOT = Path(__file__).parents[3]
MASK = {"__type": "AddedToken", "content": "<mask>", "lstrip": True, "rstrip": False, "normalized": True, "single_word": False}
SPECIAL = ["<s>", "</s>", "<mask>", " <mask>", "<unk>", "<pad>", "<ours>", "<new>", "[MASK]", "  ", "▁"]


@pytest.fixture(scope="module")
def bills():
    with gzip.open(ROOT / "examples/us-bills-110/train.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["content"] for line in lines][:200]


@pytest.fixture(scope="module")
def sentencepiece_model(bills):
    return subword_models.train_sentencepiece(subword_models.lines_of(bills), 700, model_type="unigram", user_defined_symbols=["<ours>"])


@pytest.fixture(scope="module")
def roberta(bills):
    return json.loads(subword_models.roberta(bills, 700).to_str())


def write(folder, model_type, files, config=None, special_tokens_map=None):
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    for name, content in (("tokenizer_config.json", config), ("special_tokens_map.json", special_tokens_map)):
        if content is not None:
            (folder / name).write_text(json.dumps(content))


def compare(folder, count=400):
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    theirs.backend_tokenizer.no_truncation()
    theirs.backend_tokenizer.no_padding()
    ours = lmtx.Tokenizer.load(folder)
    assert_equal_ids(ours, theirs.backend_tokenizer, random_texts(count, seed=41, tokens=SPECIAL))
    assert ours.vocabulary_size == len(theirs)


CONFIGS = [
    (None, None),
    ({"tokenizer_class": "{class}", "mask_token": MASK, "model_max_length": 512}, None),
    ({"tokenizer_class": "{class}Fast", "add_prefix_space": True}, {"mask_token": MASK | {"normalized": False}, "cls_token": "<s>"}),
    ({"tokenizer_class": "{class}", "additional_special_tokens": ["<new>"], "add_prefix_space": False}, None),
    ({"tokenizer_class": "{class}", "cls_token": "</s>", "sep_token": "<s>"}, None),
]


def config_of(config, name):
    return config and config | {"tokenizer_class": config["tokenizer_class"].format(**{"class": name})}


@pytest.mark.parametrize(("config", "special_tokens_map"), CONFIGS)
def test_a_sentencepiece_model_is_read_as_transformers_reads_it(tmp_path, sentencepiece_model, config, special_tokens_map):
    write(tmp_path, "xlm-roberta", {"sentencepiece.bpe.model": sentencepiece_model}, config_of(config, "XLMRobertaTokenizer"), special_tokens_map)
    compare(tmp_path)


@pytest.mark.parametrize(("config", "special_tokens_map"), CONFIGS)
def test_vocab_json_and_merges_are_read_as_transformers_reads_them(tmp_path, roberta, config, special_tokens_map):
    merges = "#version: 0.2\n" + "".join(" ".join(pair) + "\n" for pair in roberta["model"]["merges"])
    files = {"vocab.json": json.dumps(roberta["model"]["vocab"]), "merges.txt": merges}
    write(tmp_path, "roberta", files, config_of(config, "RobertaTokenizer"), special_tokens_map)
    compare(tmp_path)


@pytest.mark.parametrize("kind", ["xlm_roberta", "bge_m3", "newly_converted"])
@pytest.mark.parametrize("config", [None, {"tokenizer_class": "XLMRobertaTokenizerFast"}])
def test_a_tokenizer_json_of_xlm_roberta_is_read_as_transformers_reads_it(tmp_path, bills, sentencepiece_model, kind, config):
    more = subword_models.random_pieces(random_texts(500, seed=98))
    tokenizer = getattr(subword_models, kind)(bills, 700, sentencepiece_model, more)
    write(tmp_path, "xlm-roberta", {"tokenizer.json": tokenizer.to_str()}, config)
    compare(tmp_path, 1_000)


@pytest.mark.parametrize("config", [None, {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True}])
def test_a_tokenizer_json_of_roberta_is_read_as_transformers_reads_it(tmp_path, roberta, config):
    settings = roberta | {"normalizer": {"type": "Lowercase"}}
    settings["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": config is None, "trim_offsets": True, "use_regex": True}
    write(tmp_path, "roberta", {"tokenizer.json": json.dumps(settings)}, config)
    compare(tmp_path)


@pytest.mark.parametrize("config", [None, {"tokenizer_class": "PreTrainedTokenizerFast"}])
def test_a_tokenizer_json_of_modernbert_is_read_as_transformers_reads_it(tmp_path, bills, config):
    write(tmp_path, "modernbert", {"tokenizer.json": subword_models.modernbert(bills, 700).to_str()}, config)
    compare(tmp_path)


@pytest.mark.parametrize("config", [None, {"tokenizer_class": "MPNetTokenizer", "do_lower_case": False}])
@pytest.mark.parametrize("with_json", [False, True])
def test_the_files_of_mpnet_are_read_as_transformers_reads_them(tmp_path, config, with_json):
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "the", "tax", "##es", "T", "a", "A", "##b", "##B", "[UNK]", ",", "<mask>"]
    write(tmp_path, "mpnet", {"vocab.txt": "\n".join(tokens) + "\n"})
    if with_json:
        tokenizer = transformers.MPNetTokenizer.from_pretrained(tmp_path)
        (tmp_path / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str())
    write(tmp_path, "mpnet", {}, config)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path).backend_tokenizer
    assert_equal_ids(lmtx.Tokenizer.load(tmp_path), theirs, ["", "the Taxes, <mask>AB ab", *random_texts(100, seed=42, tokens=[*SPECIAL, "the", "AB"])])


@pytest.mark.parametrize(
    ("files", "config", "message"),
    [
        (
            {"sentencepiece.bpe.model": b""},
            {"tokenizer_class": "CamembertTokenizer"},
            '`tokenizer_class` is "CamembertTokenizer", but beside a sentencepiece.bpe.model only "XLMRobertaTokenizer" is supported',
        ),
        (
            {"sentencepiece.bpe.model": b"", "config.json": '{"model_type": "camembert"}'},
            None,
            '`tokenizer_class` is "CamembertTokenizer", but beside a sentencepiece.bpe.model only "XLMRobertaTokenizer" is supported',
        ),
        (
            {"vocab.json": "{}", "merges.txt": ""},
            {"tokenizer_class": "GPT2Tokenizer"},
            '`tokenizer_class` is "GPT2Tokenizer", but beside a vocab.json only "RobertaTokenizer" is supported',
        ),
        ({"sentencepiece.bpe.model": b"", "added_tokens.json": "{}"}, None, "added_tokens.json: this file is not supported. A tokenizer.json may help."),
        ({"sentencepiece.bpe.model": b""}, None, "sentencepiece.bpe.model: there are no pieces in it."),
        ({"sentencepiece.bpe.model": b"\x0a\xff"}, None, "sentencepiece.bpe.model: the file is broken, or no SentencePiece model."),
        ({"vocab.json": "{}", "merges.txt": ""}, None, "vocab.json: expected a JSON object of tokens and ids."),
        ({"vocab.json": '{"a": 0}', "merges.txt": "#version\na b c\n"}, None, "merges.txt: line 2 must be two tokens with a space between them."),
        ({"vocab.json": '{"a": 0}', "merges.txt": "a b\n"}, None, 'merges.txt: with vocab.json beside it: the token "b" of a merge is not in the vocabulary.'),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, files, config, message):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if config:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(RuntimeError) as error:
        lmtx.Tokenizer.load(tmp_path)
    assert message in str(error.value)


def test_a_sentencepiece_model_of_another_kind_is_refused(tmp_path, bills):
    (tmp_path / "sentencepiece.bpe.model").write_bytes(subword_models.train_sentencepiece(subword_models.lines_of(bills), 300, model_type="bpe"))
    with pytest.raises(RuntimeError, match="sentencepiece.bpe.model: only unigram models are supported. A tokenizer.json may help."):
        lmtx.Tokenizer.load(tmp_path)


def test_a_truncated_sentencepiece_model_is_refused(tmp_path, sentencepiece_model):
    for size in (1, 100, len(sentencepiece_model) // 2, len(sentencepiece_model) - 1):
        (tmp_path / "sentencepiece.bpe.model").write_bytes(sentencepiece_model[:size])
        with pytest.raises(RuntimeError, match="sentencepiece.bpe.model: the file is broken"):
            lmtx.Tokenizer.load(tmp_path)
