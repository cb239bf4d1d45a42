"""Answers drawn from a hash of seed, document and label, so that everyone who asks the same hears the same."""

import hashlib

import numpy as np

# The chance that a pair's truth is flipped: among the nearest labels of its document, and elsewhere.
NEAR_FLIP, FAR_FLIP = 0.2, 0.02


def pair_uniforms(seed, document_uid, label_uids):
    """float64 [n, 2] in [0, 1), two numbers for each pair."""
    of_document = hashlib.blake2b(f"{seed}\t{document_uid}\t".encode(), digest_size=16)
    digests = []
    for uid in label_uids:
        of_pair = of_document.copy()
        of_pair.update(uid.encode())
        digests.append(of_pair.digest())
    numbers = np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2)
    # 53 bits: what a float64 holds.
    return (numbers >> np.uint64(11)) * 2.0**-53


def beta_4_2(x):
    """The distribution function of Beta(4, 2): the chance that at least 4 of 5 uniform numbers are below x."""
    return x * x * x * x * (5 - 4 * x)


def yes_scores(uniforms):
    """Beta(4, 2) cut to at least 0.5, by inverting its distribution function; rises with `uniforms`."""
    below = beta_4_2(0.5)
    wanted = below + uniforms * (1 - below)
    low, high = np.full(len(uniforms), 0.5), np.ones(len(uniforms))
    for _ in range(60):
        middle = (low + high) / 2
        is_above = beta_4_2(middle) > wanted
        low, high = np.where(is_above, low, middle), np.where(is_above, middle, high)
    return low


# The largest float64 below 0.5.
MOST_NO = np.nextafter(0.5, 0)


def no_scores(uniforms):
    """Beta(2, 4) cut to below 0.5: the mirror image."""
    return np.minimum(1 - yes_scores(uniforms), MOST_NO)


def noisy_scores(is_true, is_near, uniforms):
    """What the noisy teacher answers. All bool or float64 [n]; `uniforms` [n, 2] decide flip and score."""
    is_flipped = uniforms[:, 0] < np.where(is_near, NEAR_FLIP, FAR_FLIP)
    is_yes = is_true ^ is_flipped
    return np.where(is_yes, yes_scores(uniforms[:, 1]), no_scores(uniforms[:, 1]))
