"""Fitting a tagger's decision rule to documents whose labels, or a teacher's verdicts on them, are known."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._core import Corpus, DecisionRule, Document, JudgmentStore, Tagger
from .gold import Gold, read_gold
from .verdicts import Verdicts, read_verdicts

__all__ = ["DecisionEvidence", "decision_evidence", "fit_rule"]

GoldSource = Gold | str | os.PathLike[str]
VerdictSource = Verdicts | str | os.PathLike[str] | JudgmentStore
AIMS = ("precision", "f1", "number", "coverage")


@dataclass(frozen=True, repr=False)
class DecisionEvidence:
    """A tagger's candidates for documents, with what is known of them, and true labels that were no candidates. Immutable.

    Args:
        scores: As Tag.score; -inf for a true label that was no candidate: float64 [num_pairs].
        gold: 1 where the label fits, else 0; NaN where nobody knows: float64 [num_pairs].
        weights: How many pairs each stands for: float64 [num_pairs].
        documents: Which document each pair is about, by its place: int64 [num_pairs].
        labels: Label numbers: int64 [num_pairs].
        judge: The identity of the teacher whose verdicts `gold` is; empty: what is true.

    Example:
        >>> documents = list(lmtx.Corpus.open('test.jsonl'))
        >>> lmtx.decision_evidence(lmtx.Tagger.load('tagger'), documents, lmtx.read_gold('verdicts.jsonl'))
        DecisionEvidence(240 pairs, 240 known, 40 yes, by gold)
    """

    scores: npt.NDArray[np.float64]
    gold: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    documents: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    judge: str = ""

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def known(self) -> int:
        """int: candidates whose truth is known."""
        return int((np.isfinite(self.scores) & ~np.isnan(self.gold)).sum())

    def __repr__(self) -> str:
        yes = int((self.gold == 1).sum())
        return f"DecisionEvidence({len(self):,} pairs, {self.known:,} known, {yes:,} yes, by {self.judge or 'gold'})"


def decision_evidence(
    tagger: Tagger, documents: Iterable[Document], gold: Gold, *, k_most: int = 100, judge: str = "", on_event: Any = None
) -> DecisionEvidence:
    """Ranks labels for documents and puts what is known beside them. Documents of which nothing is known are left out.

    Args:
        tagger: Ranks.
        documents: Held out from training.
        gold: What is known of them, by uid.
        k_most: Candidates of each document.
        judge: The identity of the teacher whose verdicts `gold` is; empty: what is true.
        on_event: As in Tagger.tag.

    Raises:
        ValueError: Where nothing is known of any document.

    Example:
        >>> documents = list(lmtx.Corpus.open('test.jsonl'))
        >>> gold = lmtx.read_gold('test.jsonl', labels='labels.jsonl')
        >>> lmtx.decision_evidence(lmtx.Tagger.load('tagger'), documents, gold, k_most=5).labels.shape[0] >= 100
        True
    """
    judged = {document for document, _ in gold.pairs} | set(gold.true_labels)
    kept = [document for document in documents if document.uid in judged]
    if not kept:
        raise ValueError("nothing is known of any of the documents; are their uids those of the gold or the verdicts?")
    yeses, numbers = _yeses_by_document(gold), {label.uid: number for number, label in enumerate(tagger.labels)}
    rows: list[tuple[float, float, float, int, int]] = []
    for place, (document, tags) in enumerate(zip(kept, tagger.tag(documents=kept, k=k_most, on_event=on_event), strict=True)):
        outside = dict.fromkeys(yeses.get(document.uid, ()))
        for tag in tags:
            truth = gold.truth(document.uid, tag.uid)
            outside.pop(tag.uid, None)
            rows.append((tag.score, np.nan if truth is None else float(truth), gold.weights.get((document.uid, tag.uid), 1.0), place, tag.number))
        rows += [(-np.inf, 1.0, gold.weights.get((document.uid, uid), 1.0), place, numbers.get(uid, -1)) for uid in outside]
    scores, truths, weights, places, labels = (np.array(column) for column in zip(*rows, strict=True))
    return DecisionEvidence(scores, truths, weights, places.astype(np.int64), labels.astype(np.int64), judge)


def fit_rule(
    tagger: Tagger,
    documents: Iterable[Document] | str | os.PathLike[str],
    *,
    gold: GoldSource | None = None,
    verdicts: VerdictSource | None = None,
    teacher: str | None = None,
    precision: float | None = None,
    f1: bool = False,
    number: float | None = None,
    coverage: float | None = None,
    groups: Mapping[str, Sequence[int]] | None = None,
    k_most: int = 100,
    confidence: float | None = None,
    yes_above: float = 0.5,
    seed: int = 0,
    on_event: Any = None,
) -> DecisionRule:
    """Fits a rule for how many tags a text deserves, to documents that were held out from training; `tagger.with_rule(rule)` uses it.

    With gold the rule is fitted by gold; where that has fewer than 300 known candidates and there are verdicts, too, by the teacher.

    Args:
        tagger: Whose rule it will be.
        documents: Or a file of them.
        gold: What is true, or a file as `read_gold` reads it.
        verdicts: What a teacher said, or what `read_verdicts` reads. They should be a fair sample of the candidates.
        teacher: As in `read_verdicts`.
        precision, f1, number, coverage: The aim, one of them: a target precision, the highest F1, so many tags a text on average, or a share of true labels.
        groups: By name the numbers of labels that get a cut of their own where there is evidence enough.
        k_most: Tags a text at most.
        confidence: One-sided, of the promise; None: the default of DecisionRule.
        yes_above: Verdicts with this score or a higher one are a yes.
        seed: As in DecisionRule.
        on_event: As in Tagger.tag.

    Raises:
        ValueError: Without an aim or with several, without gold and verdicts, where nothing is known of any document, and for options out of range.
        RuntimeError: For a file that is missing or broken.

    Example:
        >>> tagger = lmtx.Tagger.load('tagger')
        >>> rule = lmtx.fit_rule(tagger, 'test.jsonl', gold='verdicts.jsonl', number=2)
        >>> rule.kind, rule.thin
        ('number', True)
        >>> tagger.with_rule(rule).tag('tax')[0].probability is not None
        True
    """
    aim, value = _aim(precision, f1, number, coverage)
    if gold is None and verdicts is None:
        raise ValueError("give `gold` or `verdicts`: a rule is fitted to documents of which something is known.")
    kept = list(Corpus.open(documents)) if isinstance(documents, str | os.PathLike) else list(documents)
    evidence = _best_evidence(tagger, kept, gold, verdicts, teacher, yes_above, k_most, on_event)
    options: dict[str, Any] = {} if confidence is None else {"confidence": confidence}
    rule: DecisionRule = getattr(DecisionRule, f"by_{aim}")(
        evidence.scores, evidence.gold, **value, weights=evidence.weights, documents=evidence.documents, labels=evidence.labels, k_most=k_most,
        groups={name: list(labels) for name, labels in (groups or {}).items()}, judge=evidence.judge, seed=seed, **options,
    )  # fmt: skip
    return rule


def _aim(precision: float | None, f1: bool, number: float | None, coverage: float | None) -> tuple[str, dict[str, float]]:
    given: dict[str, dict[str, float]] = {}
    if precision is not None:
        given["precision"] = {"target": precision}
    if f1:
        given["f1"] = {}
    if number is not None:
        given["number"] = {"number": number}
    if coverage is not None:
        given["coverage"] = {"coverage": coverage}
    if len(given) != 1:
        raise ValueError(f"give one aim, {', '.join(AIMS[:-1])} or {AIMS[-1]}, but {' and '.join(given) or 'none'} came.")
    return next(iter(given.items()))


def _best_evidence(
    tagger: Tagger,
    documents: list[Document],
    gold: GoldSource | None,
    verdicts: VerdictSource | None,
    teacher: str | None,
    yes_above: float,
    k_most: int,
    on_event: Any,
) -> DecisionEvidence:
    if gold is not None:
        known = gold if isinstance(gold, Gold) else read_gold(gold, labels=tagger.labels)
        by_gold = decision_evidence(tagger, documents, known, k_most=k_most, on_event=on_event)
        if verdicts is None or by_gold.known >= DecisionRule.fewest_gold:
            return by_gold
    assert verdicts is not None
    said = verdicts if isinstance(verdicts, Verdicts) else read_verdicts(verdicts, teacher=teacher)
    judged = Gold({pair: score >= yes_above for pair, score in said.scores.items() if score is not None})
    return decision_evidence(tagger, documents, judged, k_most=k_most, judge=said.identity or "unnamed", on_event=on_event)


def _yeses_by_document(gold: Gold) -> dict[str, list[str]]:
    yeses = {document: sorted(labels) for document, labels in gold.true_labels.items()}
    for (document, label), is_true in gold.pairs.items():
        if is_true:
            yeses.setdefault(document, []).append(label)
    return yeses
