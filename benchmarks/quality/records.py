"""Results as JSON lines, rows and sets, each with what it is kept under; files add up. Needs the standard library only."""

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "results"


def key_text(key):
    return json.dumps(key, sort_keys=True)


def set_key(record):
    return (record["set"], record["data"], record["test"])


@dataclass(frozen=True)
class Records:
    # By key_text(), in the order in which they were measured last.
    rows: dict
    # By set_key().
    sets: dict


def read(files):
    """Of rows with one key the last counts."""
    rows, sets = {}, {}
    for record in (record for file in files for record in _lines(file)):
        if record["kind"] == "set":
            sets[set_key(record)] = record
        else:
            text = key_text(record["key"])
            rows.pop(text, None)
            rows[text] = record
    return Records(rows, sets)


def committed():
    return sorted(FOLDER.glob("*.jsonl"))


def append(file, record):
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as lines:
        fcntl.flock(lines, fcntl.LOCK_EX)
        lines.write(json.dumps(record) + "\n")


def _lines(file):
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip():
                    yield json.loads(line)
            except ValueError as error:
                raise ValueError(f"{file}, line {number}, must be a JSON object: {error}.") from None
