"""Asks a teacher the same thing twice, in other ways, and counts where it changes its mind."""

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._core import (
    Agreement,
    Bm25Index,
    Corpus,
    Document,
    Event,
    Interval,
    JudgmentStore,
    Label,
    LabelSet,
    Question,
    TeacherOracle,
    Usage,
    agreement_of_scores,
    ask_teacher,
)
from .inputs import make_corpus, make_labels
from .teachers import Ask, make_teacher

__all__ = ["PROBES", "WORDING", "ProbeResult", "check_probes", "draw_questions", "probe"]

PROBES = ("repeat", "order", "wording")
# What a label is called when it is asked for in other words.
WORDING = "the subject of {label}"


@dataclass(frozen=True, repr=False)
class ProbeResult:
    """How often a teacher changed its mind. Immutable.

    Args:
        probe: What was changed: "repeat" (nothing), "order" (of the labels), "wording" (of the labels' names) or "paraphrase" (another teacher, with another
            prompt).
        agreement: The first verdicts against those of the probe.
        asked: Pairs that it cost: what the store had is free.
        usage: What these cost.

    Example:
        >>> teacher = lmtx.CallbackOracle(lambda document, labels: [label in document for label in labels], identity='words/1')
        >>> [result] = lmtx.probe(teacher, ['a tax', 'an army'], ['tax', 'army'], probes=['repeat'])
        >>> result
        ProbeResult(repeat: 4 pairs, 0.0 % flipped)
        >>> result.flip_rate
        Interval(0, from 0 to 0)
    """

    probe: str
    agreement: Agreement
    asked: int
    usage: Usage

    @property
    def flip_rate(self) -> Interval:
        """Interval: pairs that were on the other side of the cut the second time."""
        same = self.agreement.agreement
        return Interval(value=1 - same.value, low=1 - same.high, high=1 - same.low)

    def __repr__(self) -> str:
        return f"ProbeResult({self.probe}: {self.agreement.pairs:,} pairs, {100 * self.flip_rate.value:.1f} % flipped)"


def probe(
    teacher: TeacherOracle | Ask | str,
    documents: Any,
    labels: Any,
    *,
    probes: Sequence[str] = PROBES,
    paraphrase: TeacherOracle | Ask | str | None = None,
    pairs: int = 200,
    labels_per_document: int = 5,
    wording: str = WORDING,
    cut: float = 0.5,
    seed: int = 0,
    store: str | os.PathLike[str] | JudgmentStore | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> list[ProbeResult]:
    """Asks about a sample of pairs, then again in other ways, and compares.

    Documents are drawn at random; the labels of each are those whose names share most with its text, filled up at random, since pairs that nobody would
    confuse tell nothing.

    Args:
        teacher, documents, labels: As in `train`.
        probes: "repeat" asks the same again (servers that batch, or draw at random, do not always answer alike); "order" asks for the same labels in reverse
            order (which matters to teachers that see several at once); "wording" calls the labels otherwise.
        paraphrase: The same teacher with another prompt, asked the same: one more probe.
        pairs: To be asked, at most; each probe asks as many again.
        labels_per_document: Of the pairs, how many share a document.
        wording: What "wording" calls a label; holds {label}.
        cut: Scores from here up are a yes.
        seed: Draws documents and labels.
        store: A path or a JudgmentStore. The first verdicts are looked up and kept under the teacher's own identity, those of probes under names of their own.
            None: nothing is kept.
        on_event: Called with each Event.

    Returns:
        For each probe a ProbeResult, "paraphrase" last.

    Raises:
        ValueError: For another probe, nothing to ask, or a teacher that cannot be made.
        TeacherError: The teacher cannot go on.

    Example:
        >>> def ask(document: str, labels: list[str]) -> list[float]:
        ...     return [1.0 if i == 0 else 0.0 for i in range(len(labels))]  # Always the first.
        >>> teacher = lmtx.CallbackOracle(ask, identity='first/1')
        >>> lmtx.probe(teacher, 'train.jsonl', 'labels.jsonl', probes=['repeat', 'order'], pairs=100)
        [ProbeResult(repeat: 100 pairs, 0.0 % flipped), ProbeResult(order: 100 pairs, 40.0 % flipped)]
    """
    oracle, other = make_teacher(teacher), None if paraphrase is None else make_teacher(paraphrase)
    check_probes(probes, wording)
    questions = draw_questions(make_corpus(documents), make_labels(labels), pairs, labels_per_document, seed)
    first = _asked(oracle, questions, store, None, on_event)
    results = []
    for name in probes:
        changed = [_changed(question, name, wording) for question in questions]
        second = _asked(oracle, changed, store, f"{oracle.identity()}+probe-{name}", on_event)
        results.append(_compared(name, questions, first, second, cut, seed))
    if other is not None:
        results.append(_compared("paraphrase", questions, first, _asked(other, questions, store, None, on_event), cut, seed))
    return results


@dataclass(frozen=True)
class _Answers:
    """Scores by position of the question and label uid."""

    scores: list[dict[str, float]]
    asked: int
    usage: Usage


def check_probes(probes: Sequence[str], wording: str) -> None:
    """ValueError for a probe that is none, or a wording without a place for the label."""
    for name in probes:
        if name not in PROBES:
            raise ValueError(f"a probe must be {', '.join(PROBES[:-1])} or {PROBES[-1]}, but is {name!r} instead.")
    if "{label}" not in wording:
        raise ValueError(f"the wording must hold {{label}}, but is {wording!r} instead.")


def draw_questions(documents: Corpus, labels: LabelSet, pairs: int, labels_per_document: int, seed: int) -> list[Question]:
    """Questions about so many pairs at most, drawn by the seed."""
    if pairs < 1 or labels_per_document < 1:
        raise ValueError(f"a probe needs at least 1 pair and 1 label a document, but has {pairs} and {labels_per_document}.")
    draw = random.Random(seed)
    per_document = min(labels_per_document, len(labels))
    wanted = min(len(documents), -(-pairs // per_document))
    chosen = set(draw.sample(range(len(documents)), wanted))
    sample = [document for i, document in enumerate(documents) if i in chosen]
    all_labels = list(labels)
    ranked = Bm25Index.build([label.name for label in all_labels]).search(sample, per_document)
    questions = []
    for i, document in enumerate(sample):
        numbers = [int(number) for number in ranked[i]]
        rest = [number for number in draw.sample(range(len(all_labels)), min(len(all_labels), 2 * per_document)) if number not in numbers]
        picked = (numbers + rest)[: min(per_document, pairs - i * per_document)]
        draw.shuffle(picked)
        questions.append(Question(document, [all_labels[number] for number in picked]))
    return questions


def _changed(question: Question, name: str, wording: str) -> Question:
    if name == "order":
        return question.part(range(len(question) - 1, -1, -1))
    if name == "wording":
        document = Document(question.document.uid, title=question.document.title, content=question.document.content)
        return Question(document, [Label(label.uid, wording.replace("{label}", label.name), description=label.description) for label in question.labels])
    return question


def _asked(
    teacher: TeacherOracle,
    questions: list[Question],
    store: str | os.PathLike[str] | JudgmentStore | None,
    identity: str | None,
    on_event: Callable[[Event], None] | None,
) -> _Answers:
    answers = ask_teacher(teacher, questions, store=store, identity=identity, on_event=on_event)
    scores = []
    for question, verdicts in zip(questions, answers.verdicts, strict=True):
        values = [verdict.value if verdict is not None else None for verdict in verdicts]
        scores.append({label.uid: np.nan if value is None else value for label, value in zip(question.labels, values, strict=True)})
    return _Answers(scores, answers.asked, answers.usage)


def _compared(name: str, questions: list[Question], first: _Answers, second: _Answers, cut: float, seed: int) -> ProbeResult:
    positions = [(i, label.uid) for i, question in enumerate(questions) for label in question.labels]
    scores = [np.array([answers.scores[i][uid] for i, uid in positions]) for answers in (first, second)]
    documents = np.array([i for i, _ in positions], np.int64)
    agreement = agreement_of_scores(*scores, documents=documents, first_cut=cut, second_cut=cut, seed=seed)
    return ProbeResult(name, agreement, second.asked, second.usage)
