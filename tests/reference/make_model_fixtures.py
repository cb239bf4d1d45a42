#!/usr/bin/env python3
"""Writes tests/data/models/: tiny random BERT and DistilBERT folders with what transformers computes for them.

Each folder is a sentence-transformers one; beside it lies NAME.json with sequences of token ids, and NAME.expected.safetensors with
  pooled            the last hidden states of each sequence, in evaluation, pooled as the folder says (most: their mean)
  gradient:TENSOR   the gradient of sum(pooled * weights) with respect to each weight
  weights           the factors of that sum
Regenerate with:  python tests/reference/make_model_fixtures.py
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

FOLDER = Path(__file__).resolve().parents[1] / "data" / "models"
SEQUENCE_LENGTHS = [7, 3, 12, 3, 1, 12, 5]
# 50 tokens, as many as the models have rows for.
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrs")]

BERT = dict(vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=16)
DISTILBERT = dict(vocab_size=50, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=16)

MODELS = {
    "bert": (BertModel, BertConfig(**BERT), dict(normalize=True)),
    "bert-prefixed-tanh": (BertModel, BertConfig(**BERT, hidden_act="gelu_new", layer_norm_eps=1e-5, type_vocab_size=1), dict(prefix="bert.", max_length=10)),
    "bert-joined": (BertModel, BertConfig(**BERT), dict(modes=["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens"])),
    "distilbert": (DistilBertModel, DistilBertConfig(**DISTILBERT), dict(max_length=12)),
    "distilbert-prefixed-relu": (DistilBertModel, DistilBertConfig(**DISTILBERT, activation="relu"), dict(prefix="distilbert.", normalize=True)),
}

# Hidden states [1, length, dim] to a vector [1, dim], in the order in which sentence-transformers joins them.
POOLING = {
    "cls_token": lambda hidden: hidden[:, 0],
    "max_tokens": lambda hidden: hidden.max(1).values,
    "mean_tokens": lambda hidden: hidden.mean(1),
    "mean_sqrt_len_tokens": lambda hidden: hidden.sum(1) / hidden.shape[1] ** 0.5,
}


def randomize(model, generator):
    """Draws every weight anew, biases and layer norms too, so that none is at a value that hides a mistake."""
    for name, tensor in model.named_parameters():
        centre = 1.0 if "LayerNorm.weight" in name or "layer_norm.weight" in name else 0.0
        tensor.data = centre + 0.2 * torch.randn(tensor.shape, generator=generator)


def pooled_alone(model, sequences, modes):
    """Each sequence by itself: no padding and no mask that could go wrong here."""
    states = [model(torch.tensor([ids])).last_hidden_state for ids in sequences]
    return torch.cat([torch.cat([POOLING[mode](hidden) for mode in modes], dim=1) for hidden in states])


def write_modules(folder, dim, normalize=False, max_length=None, modes=("mean_tokens",), **_):
    kinds = ["Transformer", "Pooling"] + ["Normalize"] * normalize
    paths = ["", "1_Pooling", "2_Normalize"]
    modules = [{"idx": i, "name": str(i), "path": paths[i], "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": dim} | {f"pooling_mode_{mode}": True for mode in modes}) + "\n")
    if max_length:
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": max_length, "do_lower_case": False}) + "\n")


def write_tokenizer(folder):
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 14}) + "\n")


def write_model(name, model_class, config, options):
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    model = model_class(config).eval()
    randomize(model, generator)
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    prefix = options.get("prefix", "")
    tensors = {prefix + key: value.contiguous() for key, value in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_modules(folder, 32, **options)
    write_tokenizer(folder)
    return model, prefix, generator, options.get("modes", ["mean_tokens"])


def write_expected(name, model, prefix, generator, modes):
    # Not 0, the padding: there transformers leaves the gradient out, and it comes into no text of ours.
    sequences = [torch.randint(1, 50, (length,), generator=generator).tolist() for length in SEQUENCE_LENGTHS]
    (FOLDER / f"{name}.json").write_text(json.dumps(sequences) + "\n")
    pooled = pooled_alone(model, sequences, modes)
    weights = torch.randn(pooled.shape, generator=generator)
    (pooled * weights).sum().backward()
    expected = {"pooled": pooled.detach(), "weights": weights}
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            expected["gradient:" + prefix + key] = parameter.grad
    save_file(expected, FOLDER / f"{name}.expected.safetensors")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (model_class, config, options) in MODELS.items():
        write_expected(name, *write_model(name, model_class, config, options))
