"""A task and an encoder small enough to train in a second."""

import json
import random
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

TOPICS = ["tax", "health", "army", "water", "school", "trade", "energy", "housing", "farming", "privacy", "prison", "railway"]
FILLERS = ["bill", "act", "report", "program", "amend", "provide", "study", "grant", "office", "national"]
HIDDEN, LAYERS, HEADS, POSITIONS = 32, 2, 4, 64


def make_documents(count: int = 60, seed: int = 1) -> list[dict[str, str]]:
    """Each is about two topics."""
    draw = random.Random(seed)
    documents = []
    for i in range(count):
        topics = draw.sample(TOPICS, 2)
        words = draw.choices(topics, k=6) + draw.choices(FILLERS, k=6) + topics
        draw.shuffle(words)
        documents.append({"uid": f"d{i}", "title": f"{topics[0]} {draw.choice(FILLERS)}", "content": " ".join(words)})
    return documents


def topic_answers(document: str, labels: list[str]) -> list[bool]:
    """The perfect teacher."""
    return [label in document.split() for label in labels]


def write_lines(file: Path, objects: list[dict]) -> Path:
    file.write_text("".join(json.dumps(item) + "\n" for item in objects), encoding="utf-8")
    return file


def write_data(folder: Path, documents: int = 60) -> Path:
    """A data folder: labels, training documents, and test documents with their true labels."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / "labels.jsonl", [{"uid": f"l-{topic}", "title": topic} for topic in TOPICS])
    write_lines(folder / "train.jsonl", make_documents(documents))
    test = make_documents(20, seed=2)
    write_lines(folder / "test.jsonl", [{**bill, "target_ind": [i for i, topic in enumerate(TOPICS) if topic in bill["content"].split()]} for bill in test])
    return folder


def write_recording(file: Path, documents: list[dict[str, str]]) -> Path:
    """The perfect teacher's verdicts on every pair."""
    header = {"format": 1, "identity": "perfect/1"}
    rows = [{"uid": d["uid"], "labels": [f"l-{t}" for t in TOPICS], "scores": [float(t in d["content"].split()) for t in TOPICS]} for d in documents]
    return write_lines(file, [header, *rows])


def write_model(folder: Path, seed: int = 3, positions: int = POSITIONS) -> Path:
    """A BERT of two small layers with random weights, as a sentence-transformers folder of the classic dialect."""
    (folder / "1_Pooling").mkdir(parents=True)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *TOPICS, *FILLERS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    files = {
        "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": positions},
        "config.json": _config(len(vocabulary), positions),
        "sentence_bert_config.json": {"max_seq_length": 48, "do_lower_case": False},
        "config_sentence_transformers.json": {"__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}},
        "1_Pooling/config.json": {"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": True},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "2_Normalize").mkdir()
    save_file(_weights(len(vocabulary), seed, positions), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _config(vocabulary_size: int, positions: int) -> dict:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_size": HIDDEN,
        "intermediate_size": 4 * HIDDEN,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": positions,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "type_vocab_size": 2,
        "vocab_size": vocabulary_size,
    }


def _weights(vocabulary_size: int, seed: int, positions: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (0.05 * draw.standard_normal(shape)).astype(np.float32)

    def norm(name: str) -> dict[str, np.ndarray]:
        return {f"{name}.weight": np.ones(HIDDEN, np.float32), f"{name}.bias": np.zeros(HIDDEN, np.float32)}

    def linear(name: str, outputs: int, inputs: int) -> dict[str, np.ndarray]:
        return {f"{name}.weight": normal(outputs, inputs), f"{name}.bias": normal(outputs)}

    weights = {f"embeddings.{name}_embeddings.weight": normal(size, HIDDEN) for name, size in [("word", vocabulary_size), ("position", positions), ("token_type", 2)]}
    weights |= norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            weights |= linear(f"{layer}.attention.self.{name}", HIDDEN, HIDDEN)
        weights |= linear(f"{layer}.attention.output.dense", HIDDEN, HIDDEN) | norm(f"{layer}.attention.output.LayerNorm")
        weights |= linear(f"{layer}.intermediate.dense", 4 * HIDDEN, HIDDEN) | linear(f"{layer}.output.dense", HIDDEN, 4 * HIDDEN) | norm(f"{layer}.output.LayerNorm")
    return weights
