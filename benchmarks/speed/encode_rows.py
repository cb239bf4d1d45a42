"""What encode_cpu.py measures, how much of it, and what is aimed at."""

from dataclasses import dataclass

from common.results import Aim

DOCUMENT_SETS = ("us-bills-110", "debian-debtags")
LABEL_SET = "tibkat-gnd-en"
SETS = (*DOCUMENT_SETS, LABEL_SET)

# How much is measured; part of the results. Times are those of two cores at about 200 GFLOP/s.
SETTINGS = {
    "seed": 1,
    # Peers and LMTX take turns in each. Nine give an interval of 96 % that leaves out the best and the worst.
    "repetitions": 9,
    # Texts a repetition, each encoded once in the whole run by each contestant.
    "documents": 160,
    "labels": 2_500,
    # Of these the fastest is found for each peer before its repetitions, on other texts.
    "batch_sizes": [16, 32, 64, 128],
    "tuning_documents": 64,
    "tuning_labels": 512,
    # Documents a set for precision@1: of the test split, in its order.
    "precision_documents": 2_000,
    # Of these at most, in each repetition.
    "tokenized_documents": 20_000,
    "starts": 9,
    # Distinct texts written to a file, and words in each.
    "memory_texts": [50_000, 200_000],
    "memory_words": 5,
}


@dataclass(frozen=True)
class Row:
    name: str
    work: str
    aim: Aim
    # How it is measured: a function of encode_measure.py, and what that takes.
    group: tuple
    unit: str = ""


def encode_rows():
    for data in SETS:
        documents = data in DOCUMENT_SETS
        what = "documents" if documents else "labels"
        yield Row(f"float32-{data}", f"float32, {what} of {data}", Aim(1.5 if documents else 2), ("encode", data), f"{what}/s")
        yield Row(f"int8-{data}", f"int8 against their float32, {what} of {data}", Aim(3), ("encode", data), f"{what}/s")


def memory_rows():
    few, many = SETTINGS["memory_texts"]
    for count in (few, many):
        yield Row(f"memory-{count}", f"peak memory, {count:,} distinct short texts to a file", Aim(3), ("memory",), "MB")
    yield Row("memory-growth", f"growth of LMTX's peak memory from {few:,} to {many:,}", Aim(5, "%", at_most=True), ("memory",), "MB")


ROWS = [
    *encode_rows(),
    Row("int8-precision", f"int8: mean precision@1 of {len(SETS)} sets less that of float32", Aim(-0.3, "points"), ("precision",), "%"),
    *(Row(f"tokens-{data}", f"tokenization alone, documents of {data}", Aim(3), ("tokens", data), "tokens/s") for data in DOCUMENT_SETS),
    Row("start-python", "start to first vector, Python", Aim(2.5), ("start",), "s"),
    Row("start-cpp", "start to first vector, C++ program", Aim(10), ("start",), "s"),
    *memory_rows(),
]
NAMES = [row.name for row in ROWS]


def scaled(settings, scale):
    """Smaller amounts, to try the benchmark out."""
    kept = {"seed", "batch_sizes", "memory_words"}
    lists = {name: [max(1, round(n * scale)) for n in value] for name, value in settings.items() if isinstance(value, list)}
    return {name: value if name in kept or scale == 1 else lists.get(name) or max(2, round(value * scale)) for name, value in settings.items()}
