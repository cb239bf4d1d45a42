"""What results keep of single documents, in few bytes. Needs NumPy only."""

import base64
import zlib

import numpy as np

# Metrics of which it is kept, each as the number of hits among so many labels.
HITS = {"precision@1": 1, "recall@10": 10}


def pack(values):
    """uint8 [n] as text."""
    return base64.b85encode(zlib.compress(np.asarray(values).astype(np.uint8).tobytes(), 9)).decode()


def unpack(text):
    return np.frombuffer(zlib.decompress(base64.b85decode(text)), np.uint8)


def per_document(name, hits, true):
    """A metric of each document in per cent, from its hits and its number of true labels, both [n]."""
    if name == "precision@1":
        return 100.0 * hits
    return 100.0 * np.divide(hits, true, out=np.zeros(len(hits)), where=np.asarray(true) > 0)
