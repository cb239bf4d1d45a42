"""The supervised ceiling: a run whose first cycle is given every true pair, instead of asking for some."""

import hashlib
import struct

import numpy as np
from asked import MARK, SCORED

FORMAT = 1
STREAMS_MARK = b"LMTXSTRM"
CHARGED = 64


class AskedNothing(Exception):
    """Ends a run where it would ask."""


def true_pairs(documents, shortlist):
    """For each document its true labels, and those of its shortlist, int [n, k], that are not true: label numbers and whether they are true."""
    pairs = []
    for document, ranked in zip(documents, shortlist, strict=True):
        true = sorted(set(document["target_ind"]))
        wrong = sorted(set(ranked[ranked >= 0].tolist()).difference(true))
        pairs.append((true + wrong, [True] * len(true) + [False] * len(wrong)))
    return pairs


def give_verdicts(cycle, pairs):
    """`pairs` as the files of a cycle's folder that say what was asked, all scored, and why, all as the top of shortlists (docs/formats/run.md)."""
    numbers = [number for number, (labels, _) in enumerate(pairs) if labels]
    labels = [label for number in numbers for label in pairs[number][0]]
    asked = [
        np.array(numbers, "<i8"),
        np.cumsum([0, *(len(pairs[number][0]) for number in numbers)]).astype("<i8"),
        np.array(labels, "<i4"),
        np.full(len(labels), SCORED | CHARGED, "u1"),
        np.array([float(is_true) for number in numbers for is_true in pairs[number][1]], "<f8"),
    ]
    (cycle / "streams").write_bytes(framed(STREAMS_MARK, [np.zeros(len(labels), "u1")]))
    (cycle / "asked").write_bytes(framed(MARK, asked))


def framed(mark, arrays):
    content = b"".join(struct.pack("<Q", array.nbytes) + array.tobytes() for array in arrays)
    hashed = mark + struct.pack("<II", FORMAT, 0) + content
    return hashed + struct.pack("<q", len(content)) + hashlib.blake2b(hashed, digest_size=16).digest()
