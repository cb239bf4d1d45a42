"""How far a teacher can be trusted: its verdicts against gold, and against another teacher's."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._core import Agreement, Audit, CalibratedOracle, Calibration, JudgmentStore, TeacherOracle, agreement_of_scores, audit_scores
from .gold import Gold, read_gold
from .verdicts import Pair, Verdicts, read_verdicts

__all__ = ["GoldMatch", "VerdictComparison", "calibrated", "compare_verdicts", "match_gold"]

Source = Verdicts | str | os.PathLike[str] | JudgmentStore


@dataclass(frozen=True, repr=False)
class GoldMatch:
    """Verdicts on pairs whose truth is known, in the order of the verdicts. Immutable.

    Args:
        identity: The teacher's.
        pairs: (document uid, label uid): [num_pairs].
        scores: NaN where the teacher abstained: float64 [num_pairs].
        gold: 1 where the label fits, else 0: float64 [num_pairs].
        weights: How many pairs each stands for: float64 [num_pairs].
        documents: Which document each is about, by number: int64 [num_pairs].
        unjudged: Pairs of the gold, where it names pairs, that have no verdict.

    Example:
        >>> match = lmtx.match_gold('verdicts.jsonl', lmtx.Gold({('d0', 'l-tax'): True, ('d0', 'l-army'): False, ('d99', 'l-tax'): True}))
        >>> match
        GoldMatch('perfect/1', 2 pairs, 1 yes)
        >>> match.unjudged
        1
    """

    identity: str
    pairs: list[Pair]
    scores: npt.NDArray[np.float64]
    gold: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    documents: npt.NDArray[np.int64]
    unjudged: int

    def __len__(self) -> int:
        return len(self.pairs)

    def audit(self, **options: Any) -> Audit:
        """The verdicts against the gold. Options as in `audit_scores`: cut, bins, level, resamples, seed.

        Example:
            >>> lmtx.match_gold('verdicts.jsonl', lmtx.read_gold('verdicts.jsonl')).audit(resamples=10)
            Audit(720 pairs, precision 1, recall 1, AUC 1)
        """
        return audit_scores(self.scores, self.gold, weights=self.weights, documents=self.documents, **options)

    def calibrate(self, kind: str = "fit") -> Calibration:
        """A calibration for this teacher: "platt", "isotonic", or "fit", which chooses.

        Raises:
            ValueError: For another kind, and for too little gold.

        Example:
            >>> lmtx.match_gold('verdicts.jsonl', lmtx.read_gold('verdicts.jsonl')).calibrate()
            Calibration(platt: sigmoid(...), from 720 pairs (120 yes))
        """
        if kind == "fit":
            found = Calibration.fit(self.scores, self.gold, weights=self.weights, documents=self.documents)
        elif kind in ("platt", "isotonic"):
            found = getattr(Calibration, kind)(self.scores, self.gold, weights=self.weights)
        else:
            raise ValueError(f"the kind of a calibration must be fit, platt or isotonic, but is {kind!r} instead.")
        return found.for_teacher(self.identity) if self.identity else found

    def most_wrong(self, count: int = 20) -> list[tuple[Pair, float, bool]]:
        """The pairs whose score is farthest from the truth, farthest first: the pair, its score, the truth.

        Example:
            >>> lmtx.match_gold(lmtx.Verdicts('llm/1', {('d1', 'a'): 0.9, ('d1', 'b'): 0.2}), lmtx.Gold({('d1', 'a'): True, ('d1', 'b'): True})).most_wrong(1)
            [(('d1', 'b'), 0.2, True)]
        """
        distance = np.nan_to_num(np.abs(self.scores - self.gold), nan=-1)
        order = [int(i) for i in np.argsort(-distance, kind="stable")[:count] if distance[i] > 0]
        return [(self.pairs[i], float(self.scores[i]), bool(self.gold[i])) for i in order]

    def __repr__(self) -> str:
        return f"GoldMatch({self.identity!r}, {len(self.pairs):,} pairs, {int(self.gold.sum()):,} yes)"


def match_gold(verdicts: Source, gold: Gold | str | os.PathLike[str], *, teacher: str | None = None) -> GoldMatch:
    """Puts verdicts beside what is known to be true.

    Args:
        verdicts: Verdicts, or what `read_verdicts` reads.
        gold: Gold, or what `read_gold` reads.
        teacher: As in `read_verdicts`.

    Raises:
        ValueError: Where no pair has both.

    Example:
        >>> lmtx.match_gold(lmtx.Verdicts('llm/1', {('d1', 'l-tax'): 0.8}), lmtx.Gold({('d1', 'l-tax'): True})).scores
        array([0.8])
    """
    judged = verdicts if isinstance(verdicts, Verdicts) else read_verdicts(verdicts, teacher=teacher)
    known = gold if isinstance(gold, Gold) else read_gold(gold)
    pairs, scores, truths = [], [], []
    for pair, score in judged.scores.items():
        truth = known.truth(*pair)
        if truth is not None:
            pairs.append(pair)
            scores.append(np.nan if score is None else score)
            truths.append(float(truth))
    if not pairs:
        raise ValueError(f"none of the {len(judged):,} pairs with a verdict of {judged.identity!r} is in {known!r}; are their uids the same?")
    unjudged = sum(pair not in judged.scores for pair in known.pairs)
    weights = np.array([known.weights.get(pair, 1.0) for pair in pairs], np.float64)
    return GoldMatch(judged.identity, pairs, np.array(scores, np.float64), np.array(truths, np.float64), weights, _documents(pairs), unjudged)


@dataclass(frozen=True, repr=False)
class VerdictComparison:
    """What two teachers said to the same pairs. Immutable.

    Args:
        identities: Of the first and the second.
        pairs: (document uid, label uid) that both were asked: [num_pairs].
        first, second: Their scores, NaN where one abstained: float64 [num_pairs].
        agreement: How far they agree.

    Example:
        >>> first, second = lmtx.Verdicts('a', {('d1', 'x'): 0.9, ('d1', 'y'): 0.1}), lmtx.Verdicts('b', {('d1', 'x'): 0.8, ('d1', 'y'): 0.7})
        >>> comparison = lmtx.compare_verdicts(first, second)
        >>> comparison
        VerdictComparison('a' and 'b', 2 pairs)
        >>> comparison.most_apart(1)
        [(('d1', 'y'), 0.1, 0.7)]
    """

    identities: tuple[str, str]
    pairs: list[Pair]
    first: npt.NDArray[np.float64]
    second: npt.NDArray[np.float64]
    agreement: Agreement

    def __len__(self) -> int:
        return len(self.pairs)

    def most_apart(self, count: int = 20) -> list[tuple[Pair, float, float]]:
        """The pairs whose scores differ most, the farthest apart first: the pair and both scores.

        Example:
            >>> one = lmtx.Verdicts('a', {('d1', 'x'): 0.9})
            >>> lmtx.compare_verdicts(one, lmtx.Verdicts('b', one.scores)).most_apart()
            []
        """
        distance = np.nan_to_num(np.abs(self.first - self.second), nan=-1)
        order = [int(i) for i in np.argsort(-distance, kind="stable")[:count] if distance[i] > 0]
        return [(self.pairs[i], float(self.first[i]), float(self.second[i])) for i in order]

    def __repr__(self) -> str:
        return f"VerdictComparison({self.identities[0]!r} and {self.identities[1]!r}, {len(self.pairs):,} pairs)"


def compare_verdicts(first: Source, second: Source, **options: Any) -> VerdictComparison:
    """How far two teachers agree on the pairs that both were asked.

    Args:
        first, second: Verdicts, or what `read_verdicts` reads.
        **options: As in `agreement_of_scores`: first_cut, second_cut, level, resamples, seed.

    Raises:
        ValueError: Where no pair has verdicts of both.

    Example:
        >>> comparison = lmtx.compare_verdicts('verdicts.jsonl', 'verdicts.jsonl', resamples=10)
        >>> comparison.agreement
        Agreement(720 pairs, 100 % agree, kappa 1)
    """
    one, other = (source if isinstance(source, Verdicts) else read_verdicts(source) for source in (first, second))
    pairs = [pair for pair in one.scores if pair in other.scores]
    if not pairs:
        raise ValueError(f"{one!r} and {other!r} have no pair in common; are their uids the same?")
    scores = [np.array([np.nan if each.scores[pair] is None else each.scores[pair] for pair in pairs], np.float64) for each in (one, other)]
    agreement = agreement_of_scores(*scores, documents=_documents(pairs), **options)
    return VerdictComparison((one.identity, other.identity), pairs, scores[0], scores[1], agreement)


def calibrated(
    teacher: TeacherOracle | None, calibration: Calibration | str | os.PathLike[str] | None, store: str | os.PathLike[str] | JudgmentStore
) -> TeacherOracle | None:
    """The teacher, with its scores put right where there is a calibration, or a file of one. Its own verdicts stay in the store.

    Raises:
        ValueError: For a calibration without a teacher, or of another one.
        RuntimeError: For a file that is missing or wrong.
    """
    if calibration is None:
        return teacher
    if teacher is None:
        raise ValueError("a calibration puts a teacher's scores right, but the run has no teacher.")
    return CalibratedOracle(teacher, calibration if isinstance(calibration, Calibration) else Calibration.load(calibration), store=store)


def _documents(pairs: list[Pair]) -> npt.NDArray[np.int64]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(document, len(numbers)) for document, _ in pairs], np.int64)
