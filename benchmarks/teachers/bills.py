"""Questions about the bills of examples/us-bills-110."""

import gzip
import json

from common import results

import lmtx

BILLS = results.ROOT / "examples" / "us-bills-110"


def read_lines(file):
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def questions(num_documents, num_labels):
    """The first bills that the recorded teacher judged, each with the labels that it scored highest."""
    texts = {row["uid"]: row for row in read_lines(BILLS / "train.jsonl.gz")}
    found = []
    for row in read_lines(BILLS / "verdicts.jsonl.gz")[1 : num_documents + 1]:
        best = sorted(range(len(row["labels"])), key=lambda i: (-(row["scores"][i] or 0), row["labels"][i]))[:num_labels]
        bill = texts[row["uid"]]
        labels = [lmtx.Label(row["labels"][i], row["labels"][i]) for i in sorted(best)]
        found.append(lmtx.Question(lmtx.Document(bill["uid"], title=bill.get("title", ""), content=bill.get("content", "")), labels))
    return found


def one_by_one(questions):
    """The same pairs, so that no two prompts about a document follow one another."""
    return [question.part([i]) for i in range(max(map(len, questions))) for question in questions if i < len(question)]
