"""Makes the files of this folder from the full data set and the recorded verdicts.

    python make.py FULL VERDICTS [OUT]

FULL holds labels.jsonl, train.jsonl.gz and test.jsonl.gz, VERDICTS holds verdicts.jsonl.gz; OUT is this folder unless given.
"""

import gzip
import json
import random
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

TEST_DOCUMENTS = 500
SEED = 110


def main(full: Path, verdicts: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(full / "labels.jsonl", out / "labels.jsonl")
    recorded = {json.loads(line)["uid"] for line in list(read_lines(verdicts / "verdicts.jsonl.gz"))[1:]}
    train = (json.loads(line) for line in read_lines(full / "train.jsonl.gz"))
    # The true labels of training documents stay out of what training reads, so that nothing can learn from them.
    write_lines(out / "train.jsonl.gz", ({key: bill[key] for key in ("uid", "title", "content")} for bill in train if bill["uid"] in recorded))
    write_lines(out / "test.jsonl.gz", (json.loads(line) for line in choose(list(read_lines(full / "test.jsonl.gz")))))
    write_lines(out / "verdicts.jsonl.gz", (json.loads(line) for line in read_lines(verdicts / "verdicts.jsonl.gz")))
    write_lines(out / "gold.jsonl.gz", judge_by_terms(full, verdicts))


def judge_by_terms(full: Path, verdicts: Path) -> Iterable[dict]:
    """What is true of the recorded pairs, as recorded verdicts: for audits, which read it and nothing else does."""
    uids = [json.loads(line)["uid"] for line in (full / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    terms = {bill["uid"]: {uids[number] for number in bill["target_ind"]} for bill in map(json.loads, read_lines(full / "train.jsonl.gz"))}
    yield {"format": 1, "identity": "us-bills-110/terms"}
    for row in map(json.loads, list(read_lines(verdicts / "verdicts.jsonl.gz"))[1:]):
        yield {"uid": row["uid"], "labels": row["labels"], "scores": [int(label in terms[row["uid"]]) for label in row["labels"]]}


def choose(lines: list[str]) -> list[str]:
    """TEST_DOCUMENTS at random, in the order of the file."""
    return [lines[i] for i in sorted(random.Random(SEED).sample(range(len(lines)), TEST_DOCUMENTS))]


def read_lines(file: Path) -> Iterable[str]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from lines


def write_lines(file: Path, objects: Iterable[dict]) -> None:
    """Without a time in the header: the same input gives the same bytes."""
    text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in objects)
    file.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) == 4 else Path(__file__).parent)
