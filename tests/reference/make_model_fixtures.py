#!/usr/bin/env python3
"""Writes tests/data/models/: tiny random folders of each architecture with what transformers computes for them.

Each folder is a sentence-transformers one; beside it lies NAME.json with sequences of token ids, and NAME.expected.safetensors with
  pooled            the last hidden states of each sequence, in evaluation, pooled as the folder says (most: their mean), and what its Dense modules make of it
  gradient:TENSOR   the gradient of sum(pooled * weights) with respect to each weight
  weights           the factors of that sum
Regenerate with:  python tests/reference/make_model_fixtures.py
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertConfig, BertTokenizer, DistilBertConfig, ModernBertConfig, MPNetConfig, RobertaConfig, XLMRobertaConfig

FOLDER = Path(__file__).resolve().parents[1] / "data" / "models"
SEQUENCE_LENGTHS = [7, 3, 12, 3, 1, 12, 5]
# 50 tokens, as many as the models have rows for.
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", *(f"##{letter}" for letter in "abcdefghijklmnopqrs")]

BERT = dict(vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=16)
# Two positions are those of padding and of what is before it.
ROBERTA = BERT | dict(max_position_embeddings=18)
MODERNBERT = BERT | dict(num_hidden_layers=4, local_attention=4, pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3)
DISTILBERT = dict(vocab_size=50, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=16)

DENSE = [dict(in_features=32, out_features=20), dict(in_features=20, out_features=12, bias=False, activation_function="GELU", use_residual=True)]

MODELS = {
    "bert": (BertConfig(**BERT), dict(normalize=True)),
    "bert-prefixed-tanh": (BertConfig(**BERT, hidden_act="gelu_new", layer_norm_eps=1e-5, type_vocab_size=1), dict(prefix="bert.", max_length=10)),
    "bert-joined": (BertConfig(**BERT), dict(modes=["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens"])),
    "distilbert": (DistilBertConfig(**DISTILBERT), dict(max_length=12)),
    "distilbert-prefixed-relu": (DistilBertConfig(**DISTILBERT, activation="relu"), dict(prefix="distilbert.", normalize=True)),
    "roberta": (RobertaConfig(**ROBERTA, layer_norm_eps=1e-5, type_vocab_size=1), dict()),
    "xlm-roberta-prefixed": (XLMRobertaConfig(**ROBERTA), dict(prefix="roberta.", modes=["weightedmean_tokens", "lasttoken"])),
    "mpnet": (MPNetConfig(**ROBERTA), dict(normalize=True)),
    "mpnet-dense": (MPNetConfig(**ROBERTA, hidden_act="silu"), dict(dense=DENSE, normalize=True)),
    "modernbert": (ModernBertConfig(**MODERNBERT), dict(modes=["cls_token"])),
    "modernbert-biased": (
        ModernBertConfig(
            **MODERNBERT,
            hidden_activation="tanh",
            attention_bias=True,
            mlp_bias=True,
            norm_bias=True,
            layer_types=["sliding_attention", "full_attention"] * 2,
            embedding_dropout=0.1,
            attention_dropout=0.1,
            mlp_dropout=0.1,
        ),
        dict(prefix="model."),
    ),
}

# Hidden states [1, length, dim] to a vector [1, dim], in the order in which sentence-transformers joins them.
POOLING = {
    "cls_token": lambda hidden: hidden[:, 0],
    "max_tokens": lambda hidden: hidden.max(1).values,
    "mean_tokens": lambda hidden: hidden.mean(1),
    "mean_sqrt_len_tokens": lambda hidden: hidden.sum(1) / hidden.shape[1] ** 0.5,
    "weightedmean_tokens": lambda hidden: sum((i + 1) * hidden[:, i] for i in range(hidden.shape[1])) / sum(range(hidden.shape[1] + 1)),
    "lasttoken": lambda hidden: hidden[:, -1],
}


def randomize(model, generator):
    """Draws every weight anew, biases and layer norms too, so that none is at a value that hides a mistake."""
    for name, tensor in model.named_parameters():
        centre = 1.0 if name.lower().endswith("norm.weight") else 0.0
        tensor.data = centre + 0.2 * torch.randn(tensor.shape, generator=generator)


def pooled_alone(model, sequences, modes):
    """Each sequence by itself: no padding and no mask that could go wrong here."""
    states = [model(torch.tensor([ids])).last_hidden_state for ids in sequences]
    return torch.cat([torch.cat([POOLING[mode](hidden) for mode in modes], dim=1) for hidden in states])


class Dense(torch.nn.Module):
    """As sentence-transformers 6 defines its module of that name."""

    def __init__(self, in_features, out_features, bias=True, activation_function="Tanh", use_residual=False):
        super().__init__()
        self.linear = torch.nn.Linear(in_features, out_features, bias=bias)
        self.residual = torch.nn.Linear(in_features, out_features, bias=False) if use_residual else None
        self.activation = getattr(torch.nn, activation_function)()
        self.config = dict(in_features=in_features, out_features=out_features, bias=bias) | ({"use_residual": True} if use_residual else {})
        package = "torch.nn.modules.linear" if activation_function == "Identity" else "torch.nn.modules.activation"
        self.config["activation_function"] = f"{package}.{activation_function}"

    def forward(self, x):
        out = self.activation(self.linear(x))
        return out if self.residual is None else out + self.residual(x)

    def write(self, folder):
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(self.config, indent=2) + "\n")
        save_file({name: tensor.detach() for name, tensor in self.state_dict().items()}, folder / "model.safetensors")


def write_modules(folder, dim, normalize=False, max_length=None, modes=("mean_tokens",), dense=(), **_):
    kinds = ["Transformer", "Pooling"] + ["Dense"] * len(dense) + ["Normalize"] * normalize
    paths = [f"{i}_{kind}" if i else "" for i, kind in enumerate(kinds)]
    modules = [{"idx": i, "name": str(i), "path": paths[i], "type": f"sentence_transformers.models.{kind}"} for i, kind in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules, indent=2) + "\n")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": dim} | {f"pooling_mode_{mode}": True for mode in modes}) + "\n")
    if max_length:
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": max_length, "do_lower_case": False}) + "\n")


def write_tokenizer(folder, model_type):
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 14}
    if model_type == "modernbert":  # For it transformers reads no vocab.txt.
        tokenizer = BertTokenizer(vocab={token: i for i, token in enumerate(VOCABULARY)}, do_lower_case=True).backend_tokenizer
        tokenizer.save(str(folder / "tokenizer.json"))
        config |= {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        }
    else:
        (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")


def write_model(name, config, options, parent=FOLDER):
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    model = AutoModel.from_config(config).eval()
    randomize(model, generator)
    folder = parent / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    prefix = options.get("prefix", "")
    tensors = {prefix + key: value.contiguous() for key, value in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_modules(folder, config.hidden_size, **options)
    write_tokenizer(folder, config.model_type)
    dense = torch.nn.Sequential(*(Dense(**settings) for settings in options.get("dense", [])))
    randomize(dense, generator)
    for i, module in enumerate(dense, start=2):
        module.write(folder / f"{i}_Dense")
    return model, dense, generator


def write_expected(name, model, dense, generator, options):
    # Not 0 and 1, the padding of one or another: there transformers leaves the gradient out, and it comes into no text of ours.
    first = 1 if name in ("bert", "bert-prefixed-tanh", "bert-joined", "distilbert", "distilbert-prefixed-relu") else 2
    sequences = [torch.randint(first, 50, (length,), generator=generator).tolist() for length in SEQUENCE_LENGTHS]
    (FOLDER / f"{name}.json").write_text(json.dumps(sequences) + "\n")
    pooled = dense(pooled_alone(model, sequences, options.get("modes", ["mean_tokens"])))
    weights = torch.randn(pooled.shape, generator=generator)
    (pooled * weights).sum().backward()
    expected = {"pooled": pooled.detach(), "weights": weights}
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            expected["gradient:" + options.get("prefix", "") + key] = parameter.grad
    for i, module in enumerate(dense, start=2):
        expected |= {f"gradient:{i}_Dense/{key}": parameter.grad for key, parameter in module.named_parameters()}
    save_file(expected, FOLDER / f"{name}.expected.safetensors")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (config, options) in MODELS.items():
        write_expected(name, *write_model(name, config, options), options)
