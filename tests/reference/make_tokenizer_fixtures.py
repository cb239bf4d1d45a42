"""Writes tests/data/text/: a small vocabulary under several settings, and the ids that Hugging Face's `tokenizers` gives for some texts.

Run in the repository: python tests/reference/make_tokenizer_fixtures.py
"""

import json
from pathlib import Path

import tokenizers

OUT = Path(__file__).parents[1] / "data" / "text"

WORDS = """[PAD] [UNK] [CLS] [SEP] [MASK] the tag ##ging ##s of label un ##want ##ed ##e ##able cafe café Cafe caf ##é naive istanbul i̇stanbul İstanbul
strasse straße σισυφος ##σ a ##a b ##b c ##c i o ##o A É e ##n 漢 字 , . ! ? ' - [ ] @ $ ^ # CLS cl ##l ##́ 각 ᄀ ##ᅡ ##ᆨ ё е क ##ि ##्""".split()

ADDED = {"[PAD]": {}, "[UNK]": {}, "[CLS]": {}, "[SEP]": {}, "[MASK]": {"lstrip": True}, "<solo>": {"single_word": True}, "<wide>": {"lstrip": True, "rstrip": True}}
NORMALIZED = {"Grüße": {"normalized": True}, "two words": {"normalized": True, "single_word": True}}

SETTINGS = {
    "uncased": ({}, ADDED),
    "cased": ({"lowercase": False}, ADDED),
    "accents": ({"strip_accents": False}, ADDED),
    "uncleaned": ({"clean_text": False, "handle_chinese_chars": False, "lowercase": False, "strip_accents": True}, ADDED),
    "added": ({}, ADDED | NORMALIZED),
}

TEXTS = [
    "",
    " ",
    "the tagging of unwanted tags!",
    "The TAGS, of-the ''unlabelable''.",
    "Cafe\u0301 café CAFÉ Café cafe\u0301\u0327",
    "İstanbul ISTANBUL i̇stanbul",
    "ΣΙΣΥΦΟΣ σισυφος",
    "straße STRASSE",
    "漢字 a漢b字c",
    "각 ᄀ\u1161\u11a8 ё Ё",
    "tag\u0000ging tag\u200bging tag\u00adging tag\ufffdging tag\u0085ging",
    "the\u00a0tag\u2003of\u3000the\u2028tag\u000bs",
    "कि क् क\u0301ि",
    "a\u0301\u302e\u0323\u302fb \U0001d165\u0301\U0001d16d",
    "[CLS] the [SEP][SEP]tag [MASK]s[MASK] [mask] [CLS",
    "<solo> x<solo> <solo>, _<solo> <solo>\u0301 <solo><solo>",
    "the  <wide>  tag<wide> \u00a0<wide>s",
    "Gruße GRÜSSE grüße Gru\u0308ße two words TWO WORDS xtwo words",
    "a" * 100 + " " + "a" * 101 + " " + "é" * 100 + " " + "e\u0301" * 101,
    "👍🏽 $^@#",
]


def added_tokens(flags_of):
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    place = {word: i for i, word in enumerate(dict.fromkeys([*WORDS, *flags_of]))}
    return [{"id": place[content], "content": content} | plain | flags for content, flags in flags_of.items()]


def tokenizer(normalizer, added):
    return {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": added_tokens(added),
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True} | normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", WORDS.index("[SEP]")], "cls": ["[CLS]", WORDS.index("[CLS]")]},
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: i for i, word in enumerate(dict.fromkeys(WORDS))},
        },
    }


def ids(settings):
    reference = tokenizers.Tokenizer.from_str(json.dumps(settings))
    reference.no_truncation()
    return [{"text": text, "ids": reference.encode(text).ids} for text in TEXTS]


def main():
    expected = {}
    for name, (normalizer, added) in SETTINGS.items():
        settings = tokenizer(normalizer, added)
        (OUT / name).mkdir(parents=True, exist_ok=True)
        (OUT / name / "tokenizer.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        expected[name] = ids(settings)
    lines = ",\n".join(f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]" for name, cases in expected.items())
    (OUT / "ids.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
