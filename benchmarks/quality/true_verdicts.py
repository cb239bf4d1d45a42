"""The supervised ceiling: a run whose first cycle is given every true pair, instead of asking for some."""

import hashlib
import struct

import numpy as np
from asked import MARK, SCORED

FORMAT = 1
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


def write_asked(file, pairs):
    """`pairs` as a file of asked pairs (docs/formats/run.md), all scored."""
    numbers = [number for number, (labels, _) in enumerate(pairs) if labels]
    labels = [label for number in numbers for label in pairs[number][0]]
    scores = [float(is_true) for number in numbers for is_true in pairs[number][1]]
    arrays = [
        np.array(numbers, "<i8"),
        np.cumsum([0, *(len(pairs[number][0]) for number in numbers)]).astype("<i8"),
        np.array(labels, "<i4"),
        np.full(len(labels), SCORED | CHARGED, "u1"),
        np.array(scores, "<f8"),
    ]
    content = b"".join(struct.pack("<Q", array.nbytes) + array.tobytes() for array in arrays)
    framed = MARK + struct.pack("<II", FORMAT, 0) + content
    file.write_bytes(framed + struct.pack("<q", len(content)) + hashlib.blake2b(framed, digest_size=16).digest())
