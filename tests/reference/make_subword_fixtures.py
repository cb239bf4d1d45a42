"""Writes small tokenizers of the kinds beside WordPiece to tests/data/text/, and the ids that Hugging Face's `tokenizers` gives for some texts.

Run in the repository: python tests/reference/make_subword_fixtures.py
They are trained on the bills of the demo, with the settings of well-known models.
"""

import gzip
import json
import sys
import tempfile
from pathlib import Path

import tokenizers

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/python/text"))

import make_tokenizer_fixtures
import subword_models

OUT = ROOT / "tests/data/text"

# A map of characters that is small: a few of NFKC, and white space.
RULES = {
    "\t": " ",
    "\n": " ",
    "\r": " ",
    "\u00a0": " ",
    "\u2003": " ",
    "\u3000": " ",
    "\u200b": "",
    "\u00ad": "",
    "ﬁ": "fi",
    "ﬃ": "ffi",
    "№": "No",
    "™": "TM",
    "㎏": "kg",
    "½": "1⁄2",
    "…": "...",
    "Ａ": "A",
    "ａ": "a",
    "！": "!",
    "ｶ": "カ",
    "ｶﾞ": "ガ",
    "e\u0301": "é",
    "E\u0301": "É",
    "a\u0301": "á",
    "u\u0308": "ü",
    "\u1100\u1161\u11a8": "\uac01",
    "\u0958": "\u0915\u093c",
    "\u1fbf": " \u0313",
}

TEXTS = [
    *make_tokenizer_fixtures.TEXTS,
    "To amend the Internal Revenue Code of 1986 to provide a credit for wine, and for other purposes.",
    "don't I'll we've he'd they're I'm it's 'tis O'Neil DON'T ''s 's 't",
    " a  b   c\td\n\ne \u00a0f \u2003\u3000g\r\nh   ",
    "1234567 ½ ² Ⅷ ٣ १२ x1y2 3.14 1,000",
    "ﬁne oﬃce №5 ㎏ Ａａ！ ｶﾞｶ™ …",
    "e\u0301\u0323 \u0958\u0301 \u1fbf\u0301 ©\u200d❤ ©\u200d 각\u0301 e\u0301e\u0301 \r\n\u0301",
    "<s> </s><mask> <mask>x <pad> <unk>y [MASK] [CLS] [SEP]<|padding|>|||IP_ADDRESS|||[unused0]",
    "▁a ▁▁b c▁d ▁ ▁",
    "👩‍👩‍👧 🏳️‍🌈 🇩🇪🇫 1️⃣ \U000e0041 \u0000 \ufffd",
    "Z\u0351\u036b\u0343\u036a\u0302\u034f\u0334A\u0334\u035f ệ ế e\u0302\u0301 \u1e69 s\u0323\u0307 s\u0307\u0323 가\u11a8 \u1100\u1161\u11a8 \u212b \u2126",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa the the of of",
]


def bills():
    with gzip.open(ROOT / "examples/us-bills-110/train.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["content"] for line in lines][:400]


def trained_model():
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as rules:
        for text, replacement in RULES.items():
            print(" ".join(f"{ord(c):X}" for c in text), " ".join(f"{ord(c):X}" for c in replacement), sep="\t", file=rules)
        rules.flush()
        return subword_models.train_sentencepiece(subword_models.lines_of(bills()), 300, model_type="unigram", normalization_rule_tsv=rules.name)


def main():
    model = trained_model()
    more = subword_models.random_pieces(TEXTS)
    made = {
        "roberta": subword_models.roberta(bills(), 420),
        "modernbert": subword_models.modernbert(bills() + TEXTS, 420),
        "xlm-roberta": subword_models.xlm_roberta(bills(), 300, model, more),
        "bge-m3": subword_models.bge_m3(bills(), 300, model, more),
        "newly-converted": subword_models.newly_converted(bills(), 300, model, more),
        "sentencepiece-bpe": subword_models.sentencepiece_bpe(bills() + TEXTS, 600, across_words=True),
    }
    lines = []
    for name, tokenizer in made.items():
        file = subword_models.write(tokenizer, OUT / name) / "tokenizer.json"
        # Without the indentation that would make up half of it.
        file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
        reference = tokenizers.Tokenizer.from_file(str(file))
        lines.append(f'"{name}": [\n' + ",\n".join(json.dumps({"text": text, "ids": reference.encode(text).ids}) for text in TEXTS) + "\n]")
    (OUT / "subword_ids.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
