"""Data folders, as the benchmarks read them: labels.jsonl and any of train, dev, test as .jsonl or .jsonl.gz."""

import gzip
import json
import os
from pathlib import Path


def read_lines(file):
    opened = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else open(file, encoding="utf-8")
    with opened as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def document_text(document):
    return "\t".join(part for part in (document.get("title"), document.get("content")) if part)


def label_texts(label):
    yield label["title"]
    yield from label.get("alternatives") or ()
    if label.get("description"):
        yield label["description"]


def documents_of(folder, *splits):
    for split in splits or ("train", "dev", "test"):
        for file in (folder / f"{split}.jsonl", folder / f"{split}.jsonl.gz"):
            if file.exists():
                yield from read_lines(file)


def texts_of(folder):
    """Every label text, then every document."""
    for label in read_lines(folder / "labels.jsonl"):
        yield from label_texts(label)
    yield from map(document_text, documents_of(folder))


def distinct_texts(folder, labels):
    """Every name of a label, or every document of the train split, once."""
    texts = (label["title"] for label in read_lines(folder / "labels.jsonl")) if labels else map(document_text, documents_of(folder, "train"))
    return list(dict.fromkeys(texts))


def folders_of(folder):
    """The data folders in a folder, or it alone where it is one."""
    folder = Path(folder)
    return [folder] if (folder / "labels.jsonl").is_file() else sorted(labels.parent for labels in folder.glob("*/labels.jsonl"))


def data_folders(named=()):
    """Those named; where none is, those in the folder LMTX_DATA."""
    places = named or [place for place in [os.environ.get("LMTX_DATA")] if place]
    return [folder for place in places for folder in folders_of(place)]
