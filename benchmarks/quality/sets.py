"""A data folder as the benchmark uses it: documents drawn by the seed, and true labels kept apart from everything that is trained on."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from common.data import document_text, documents_of, read_lines

# Training documents of a set at most.
MOST_TRAINING = 4000


def draw(documents, count, seed):
    """At most `count` of the documents in their order, chosen by a hash of seed and uid: the same whatever else is in the folder."""
    if count is None or len(documents) <= count:
        return list(documents)
    chosen = sorted(range(len(documents)), key=lambda i: hashlib.blake2b(f"{seed}\t{documents[i]['uid']}".encode(), digest_size=16).digest())[:count]
    return [documents[i] for i in sorted(chosen)]


def only_text(document):
    """What a trainer may see."""
    return {name: document[name] for name in ("uid", "title", "content") if document.get(name)}


@dataclass(frozen=True)
class DataSet:
    """Labels, and the documents of training and test as they lie in the folder."""

    folder: Path
    labels: list[dict]
    train: list[dict] = field(repr=False)
    test: list[dict] = field(repr=False)

    @staticmethod
    def read(folder, test=None):
        """`test`: at most so many test documents, drawn as with seed 0; None means all."""
        folder = Path(folder)
        labels = list(read_lines(folder / "labels.jsonl"))
        return DataSet(folder, labels, list(documents_of(folder, "train")), draw(list(documents_of(folder, "test")), test, 0))

    @property
    def name(self):
        return self.folder.name

    @cached_property
    def digest(self):
        """Changes when a text, a label or a true label does, or when there are other test documents."""
        state = hashlib.blake2b(digest_size=8)
        for label in self.labels:
            state.update(f"{label['uid']}\t{label['title']}\n".encode())
        for document in self.train + self.test:
            state.update(f"{document['uid']}\t{document_text(document)}\t{sorted(document['target_ind'])}\n".encode())
        return state.hexdigest()

    @cached_property
    def label_uids(self):
        return [label["uid"] for label in self.labels]

    @cached_property
    def test_targets(self):
        return [sorted(set(document["target_ind"])) for document in self.test]

    def training(self, seed, most=MOST_TRAINING, among=None):
        """The training documents of a seed; `among`: only of these uids."""
        documents = self.train if among is None else [document for document in self.train if document["uid"] in among]
        return draw(documents, most, seed)


def true_labels(documents, label_uids):
    """For each document its true labels, all by uid."""
    return {document["uid"]: frozenset(label_uids[i] for i in document["target_ind"]) for document in documents}
