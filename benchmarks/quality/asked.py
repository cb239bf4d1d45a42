"""What a run asked, cycle by cycle, from the files of its work folder (docs/formats/run.md), and what that would cost in prompts."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common.data import document_text

MARK = b"LMTXASKD"
HEAD, TAIL = 16, 24
OPEN, SCORED, ABSTAINED, MISSING, OVER_BUDGET = range(5)
STATE_BITS = 15
# Tokens of a prompt besides document and labels.
PROMPT = 30
# Longer than any text.
UNCUT = 1 << 30


@dataclass(frozen=True)
class Stage:
    """The pairs that one stage of a run wanted: documents and labels by number, int64 [n] each, and what became of them, uint8 [n]."""

    cycle: int
    documents: np.ndarray
    labels: np.ndarray
    states: np.ndarray


def read_asked(file):
    """Documents, labels and states of a file of asked pairs; None where it is another kind of file."""
    content = Path(file).read_bytes()
    if content[: len(MARK)] != MARK:
        return None
    arrays, left = [], memoryview(content)[HEAD : len(content) - TAIL]
    for dtype in ("<i8", "<i8", "<i4", "u1", "<f8"):
        size = int.from_bytes(left[:8], "little")
        arrays.append(np.frombuffer(left[8 : 8 + size], dtype))
        left = left[8 + size :]
    documents, offsets, labels, flags, _ = arrays
    return np.repeat(documents, np.diff(offsets)), labels.astype(np.int64), flags & STATE_BITS


def stages_of(folder):
    """Every stage of a run that asked, in order; one outside the folders of cycles belongs to the first."""
    stages = []
    for file in sorted(file for file in Path(folder).rglob("*") if file.is_file()):
        found = read_asked(file) if file.stat().st_size >= HEAD + TAIL and file.open("rb").read(len(MARK)) == MARK else None
        if found:
            cycle = re.search(r"cycle-(\d+)", str(file.relative_to(folder)))
            stages.append(Stage(int(cycle[1]) if cycle else 0, *found))
    return sorted(stages, key=lambda stage: stage.cycle)


def count_tokens(tokenizer, texts):
    """Tokens of each text without special ones, uncut."""
    special = len(tokenizer.prefix) + len(tokenizer.suffix)
    return np.array([len(ids) - special for ids in tokenizer.encode(texts, max_length=UNCUT)], np.int64)


@dataclass
class Costs:
    """What was asked up to some point of a run."""

    # Pairs wanted, each as often as a stage wanted it.
    wanted: int = 0
    # Different pairs that were answered, abstentions included.
    distinct: int = 0
    # Of these, those that a recording does not have.
    missing: int = 0
    # Questions: a document with its new labels, in one stage.
    questions: int = 0
    # Prompt tokens with a prompt for every pair wanted, and with one for every question.
    tokens_by_pair: int = 0
    tokens_by_question: int = 0


class Counter:
    """Adds up stages; `document_tokens` and `label_tokens` are int64, one a text."""

    def __init__(self, document_tokens, label_tokens):
        self._documents, self._labels = document_tokens, label_tokens
        self._seen = np.zeros(0, np.int64)
        self.costs = Costs()

    def add(self, stage):
        wanted = stage.states != OVER_BUDGET
        documents, labels, states = stage.documents[wanted], stage.labels[wanted], stage.states[wanted]
        pairs = documents * len(self._labels) + labels
        is_new = ~np.isin(pairs, self._seen) & (states != OPEN)
        self._seen = np.concatenate([self._seen, pairs[is_new]])
        asked = np.unique(documents[is_new])
        self.costs.wanted += len(pairs)
        self.costs.distinct += int(is_new.sum())
        self.costs.missing += int((states[is_new] == MISSING).sum())
        self.costs.questions += len(asked)
        self.costs.tokens_by_pair += int((self._documents[documents] + self._labels[labels] + PROMPT).sum())
        self.costs.tokens_by_question += int((self._documents[asked] + PROMPT).sum() + self._labels[labels[is_new]].sum())


def costs_by_cycle(folder, tokenizer, documents, labels):
    """For each cycle with anything asked, the Costs up to its end."""
    of_documents = count_tokens(tokenizer, [document_text(document) for document in documents])
    counter = Counter(of_documents, count_tokens(tokenizer, [label["title"] for label in labels]))
    costs = {}
    for stage in stages_of(folder):
        counter.add(stage)
        costs[stage.cycle] = Costs(**vars(counter.costs))
    return costs
