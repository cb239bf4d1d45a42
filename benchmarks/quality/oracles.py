"""The teachers. They alone, and the final score, know true labels."""

import gzip
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import lmtx
import numpy as np
from noise import noisy_scores, pair_uniforms

# Documents answered between two looks at whether the run wants to stop.
BLOCK = 256


class Truth(lmtx.TeacherOracle):
    """A yes of score 1 for every true label, a no of score 0 for every other.

    Args:
        true: For each document uid the uids of its true labels.
        identity: Names the data and the seed.
    """

    def __init__(self, true, identity):
        super().__init__()
        self._true, self._identity = true, identity

    def identity(self):
        return self._identity

    def traits(self):
        return lmtx.TeacherTraits(questions_per_call=0)

    def is_true(self, document, labels):
        true = self._true[document]
        return np.fromiter((label in true for label in labels), bool, len(labels))

    def scores(self, documents, labels):
        """One float64 for every pair; `labels` are the label uids of each document."""
        return [self.is_true(document, of_document).astype(float) for document, of_document in zip(documents, labels, strict=True)]

    def judge(self, questions, answers):
        for first in range(0, len(questions), BLOCK):
            if answers.stop_requested:
                return
            block = questions[first : first + BLOCK]
            scores = self.scores([question.uid for question in block], [[label.uid for label in question.labels] for question in block])
            for question, of_question in zip(block, scores, strict=True):
                answers.put(question, of_question.tolist())


class Noisy(Truth):
    """True labels with noise, the same for all who ask.

    Args:
        near: For each document uid the uids of the labels where errors are frequent.
        seed: Keys the noise.
    """

    def __init__(self, true, near, seed, identity):
        super().__init__(true, identity)
        self._near, self._seed = near, seed

    def scores(self, documents, labels):
        is_true = np.concatenate([self.is_true(*pairs) for pairs in zip(documents, labels, strict=True)])
        is_near = np.concatenate([[label in self._near[document] for label in some] for document, some in zip(documents, labels, strict=True)]).astype(bool)
        uniforms = np.concatenate([pair_uniforms(self._seed, document, some) for document, some in zip(documents, labels, strict=True)])
        scores = noisy_scores(is_true, is_near, uniforms)
        ends = np.cumsum([0, *map(len, labels)])
        return [scores[begin:end] for begin, end in pairwise(ends)]


class RecordedScores:
    """The scores of a recording, looked up without a run: NaN for a pair that it does not have, or abstained from."""

    def __init__(self, file):
        _, *rows = _read_recording(file)
        self._scores = {}
        for row in rows:
            self._scores.setdefault(row["uid"], {}).update(zip(row["labels"], row["scores"], strict=True))

    def scores(self, documents, labels):
        known = [self._scores.get(document, {}) for document in documents]
        return [np.array([scores.get(label) for label in some], float) for scores, some in zip(known, labels, strict=True)]


@dataclass(frozen=True)
class TeacherSpec:
    """What `--teachers` names: true, noisy or recorded:FILE."""

    kind: str
    file: Path | None = None

    @staticmethod
    def parse(text):
        kind, _, file = text.partition(":")
        if text in ("true", "noisy"):
            return TeacherSpec(text)
        if kind == "recorded" and file:
            return TeacherSpec(kind, Path(file))
        raise ValueError(f"a teacher must be true, noisy or recorded:FILE, but is {text!r} instead.")

    @property
    def name(self):
        """As results name it: without the path to a recording."""
        return f"recorded:{next(_read_recording(self.file))['identity']}" if self.file else self.kind

    def __str__(self):
        return f"{self.kind}:{self.file}" if self.file else self.kind

    def documents(self):
        """The uids that can be asked about; None where all can."""
        return frozenset(lmtx.RecordedOracle.open(self.file).documents()) if self.file else None


def _read_recording(file):
    """Its lines as objects, the header first."""
    opened = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else open(file, encoding="utf-8")
    with opened as lines:
        for line in lines:
            yield json.loads(line)
