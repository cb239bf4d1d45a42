"""What cuda.py measures, how much of it, and what is aimed at."""

from dataclasses import dataclass

from common.results import Aim

# How much is measured; part of the results.
SETTINGS = {
    "seed": 1,
    # Peers and LMTX each so often. Six give an interval of 96 %, from the smallest to the largest.
    "repetitions": 6,
    # The shape of DistilBERT: layers, width, heads, inner width; random weights.
    "shape": [6, 768, 12, 3072],
    # Tokens a document, special ones included: a lognormal spread with this mean and this deviation of the logarithm, cut at the largest.
    "document_tokens": 209,
    "document_spread": 0.75,
    "longest_document": 450,
    # Tokens a label, special ones included: from 4 to 8, each as likely.
    "label_tokens": [4, 8],
    # Training: documents a step, each with one label; steps before the first repetition, and in each repetition.
    "batch": 128,
    "peer_warm_up_steps": 6,
    "peer_steps": 12,
    "warm_up_steps": 60,
    "steps": 40,
    # Texts a repetition. The peer gets the first of those that LMTX gets.
    "documents": 16_384,
    "peer_documents": 4_096,
    "labels": 500_000,
    "peer_labels": 32_768,
    # Of these the fastest is found for the peer, on so many texts.
    "document_batch_sizes": [32, 64, 128, 256, 512],
    "tuning_documents": 1_024,
    "label_batch_sizes": [256, 1024, 2048, 4096],
    "tuning_labels": 8_192,
    # Exact search for so many of the nearest.
    "k": 100,
    "search_labels": [500_000, 3_000_000],
    # A whole cycle of the curriculum.
    "cycle_documents": 30_000,
    "cycle_labels": 500_000,
}
TRAININGS = {"padded": 3.5, "compiled": 2.2, "unpadded": 1.2}


@dataclass(frozen=True)
class Row:
    name: str
    work: str
    # What it is compared with.
    peer: str
    aim: Aim
    # How it is measured: a method of cuda_measure.py, and what that takes.
    group: tuple
    unit: str = ""


PEERS = {
    "padded": "PyTorch, bfloat16 autocast, padded",
    "compiled": "PyTorch, bfloat16 autocast, padded, torch.compile",
    "unpadded": "PyTorch, bfloat16 autocast, flash attention on packed tokens, torch.compile",
}
SENTENCE_TRANSFORMERS = "sentence-transformers, float16"
MATMUL_TOPK = "torch.matmul and topk, float16"
ROWS = [
    *(Row(f"train-{kind}", "training", PEERS[kind], Aim(aim), ("training",), "documents/s") for kind, aim in TRAININGS.items()),
    Row("encode-documents", "documents, text to vector", SENTENCE_TRANSFORMERS, Aim(8), ("encode", "documents"), "documents/s"),
    Row("encode-labels", "labels, text to vector", SENTENCE_TRANSFORMERS, Aim(12), ("encode", "labels"), "labels/s"),
    Row("search-500000", "exact top 100 of 500,000, batches", MATMUL_TOPK, Aim(1.5), ("search", 500_000), "queries/s"),
    Row("search-one", "exact top 100 of 500,000, one query", MATMUL_TOPK, Aim(1.3), ("search", 500_000), "ms"),
    Row("search-3000000", "exact top 100 of 3,000,000, batches", MATMUL_TOPK, Aim(1.5), ("search", 3_000_000), "queries/s"),
    Row("cycle", "a cycle: 30,000 documents, 500,000 labels", "", Aim(30, "s", at_most=True), ("cycle",), "s"),
]
NAMES = [row.name for row in ROWS]


def scaled(settings, scale):
    """Smaller amounts, to try the benchmark out."""
    amounts = {"documents", "peer_documents", "labels", "peer_labels", "tuning_documents", "tuning_labels", "cycle_documents", "cycle_labels"}
    amounts |= {"peer_steps", "warm_up_steps", "steps"}
    return {name: max(4, round(value * scale)) if name in amounts and scale != 1 else value for name, value in settings.items()}
