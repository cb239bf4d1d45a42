"""The model and the texts of cuda.py, made from a seed: a machine with a card often has neither data nor a model hub."""

import json
import shutil
from pathlib import Path

import numpy as np

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json")
SPECIAL_TOKENS = 2


def make_model(folder, tokenizer, shape, longest, seed):
    """A sentence-transformers folder: DistilBERT of this shape with random weights, mean pooling, vectors of unit length."""
    import torch
    from transformers import DistilBertConfig, DistilBertModel

    layers, width, heads, inner = shape
    config = DistilBertConfig(vocab_size=len(vocabulary(tokenizer)), dim=width, n_layers=layers, n_heads=heads, hidden_dim=inner)
    torch.manual_seed(seed)
    DistilBertModel(config).save_pretrained(folder)
    for name in TOKENIZER_FILES:
        if (Path(tokenizer) / name).is_file():
            shutil.copy(Path(tokenizer) / name, folder)
    kinds = ("Transformer", "Pooling", "Normalize")
    modules = [{"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(kinds)]
    for module in modules[1:]:
        (folder / module["path"]).mkdir()
    write(folder / "modules.json", modules)
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True})
    write(folder / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})


def write(file, value):
    file.write_text(json.dumps(value), encoding="utf-8")


def vocabulary(folder):
    return json.loads((Path(folder) / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]


def common_words(folder):
    """The vocabulary's words of at least three letters, in its order, which is about that of their frequency."""
    entries = sorted(vocabulary(folder).items(), key=lambda entry: entry[1])
    return [word for word, _ in entries if word.isascii() and word.isalpha() and len(word) >= 3]


class Texts:
    """Random words with the frequencies of Zipf's law. Each word is one token, so that lengths are exact."""

    def __init__(self, tokenizer, settings):
        self.words = np.array(common_words(tokenizer), dtype=object)
        self.settings = settings
        weights = 1 / (np.arange(len(self.words)) + 10.0)
        self.cumulative = np.cumsum(weights / weights.sum())

    def documents(self, count):
        return self.of_lengths(document_lengths(count, self.settings), self.settings["seed"] + 1)

    def labels(self, count):
        """Distinct ones."""
        low, high = self.settings["label_tokens"]
        generator = np.random.default_rng(self.settings["seed"] + 2)
        found = {}
        while len(found) < count:
            lengths = generator.integers(low, high, size=count, endpoint=True)
            found |= dict.fromkeys(self.of_lengths(lengths, int(generator.integers(2**31))))
        return list(found)[:count]

    def of_lengths(self, lengths, seed):
        """Texts of so many tokens each."""
        counts = np.maximum(lengths - SPECIAL_TOKENS, 1)
        drawn = np.random.default_rng(seed).random(int(counts.sum()))
        words = self.words[np.minimum(np.searchsorted(self.cumulative, drawn), len(self.words) - 1)]
        ends = np.cumsum(counts)
        return [" ".join(words[end - count : end]) for end, count in zip(ends, counts, strict=True)]


def document_lengths(count, settings):
    """Tokens of each document, special ones included: their mean is what the settings say, to a hundredth of a token or a document's worth."""
    longest, mean, deviation = (settings[name] for name in ("longest_document", "document_tokens", "document_spread"))
    shape = np.exp(deviation * np.random.default_rng(settings["seed"]).standard_normal(count))
    low, high = 0.0, float(longest) * 16
    for _ in range(60):
        middle = (low + high) / 2
        lengths = np.clip(np.rint(middle * shape), SPECIAL_TOKENS + 1, longest).astype(int)
        low, high = (middle, high) if lengths.mean() < mean else (low, middle)
    return lengths
