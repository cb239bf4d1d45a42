"""Committed results of benchmarks: what was measured where, and whether the aims are met."""

import fnmatch
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Aim:
    value: float
    unit: str = "x"
    # Smaller is better.
    at_most: bool = False

    def missed_by(self, figure):
        """Missed is what lies on the wrong side with its whole interval."""
        return figure["low"] > self.value if self.at_most else figure["high"] < self.value

    def __str__(self):
        return ("at most " if self.at_most else "at least ") + with_unit(self.value, self.unit)


def in_unit(number, unit):
    return f"{number:.1f}" if unit == "%" else f"{number:.2f}"


def with_unit(number, unit):
    return f"{in_unit(number, unit)}{'' if unit == 'x' else ' '}{unit}"


def figure_text(figure, unit):
    value = with_unit(figure["value"], unit)
    if figure["low"] == figure["high"]:
        return value
    return f"{value} ({in_unit(figure['low'], unit)} to {in_unit(figure['high'], unit)})"


@dataclass(frozen=True)
class Verdict:
    name: str
    # "met", "missed" or "not measured".
    outcome: str
    text: str


def judge(row, result):
    """`row` has a name and an Aim; `result` is what the file holds of it, or None."""
    if result is None:
        return Verdict(row.name, "not measured", "not measured: the results have no such row")
    if result.get("not_run"):
        return Verdict(row.name, "not measured", f"not measured: {result['not_run']}")
    outcome = "missed" if row.aim.missed_by(result["figure"]) else "met"
    return Verdict(row.name, outcome, f"{outcome}: {figure_text(result['figure'], row.aim.unit)}, aim {row.aim}")


def chosen(rows, patterns):
    """Those with a name that one of the patterns fits; all where there is none."""
    return [row for row in rows if not patterns or any(fnmatch.fnmatch(row.name, pattern) for pattern in patterns)]


def check(rows, file, settings):
    """Prints a line for each row; the exit code: 1 where an aim is missed or not measured."""
    results = read(file)
    if results and results["settings"] != settings:
        other = sorted(name for name in settings.keys() | results["settings"].keys() if settings.get(name) != results["settings"].get(name))
        print(f"{file} was measured with other settings than those of today: {', '.join(other)}")
        results = {}
    measured = {result["name"]: result for result in results.get("rows", [])}
    verdicts = [judge(row, measured.get(row.name)) for row in rows]
    for verdict in verdicts:
        print(f"{verdict.name}: {verdict.text}")
    bad = sum(verdict.outcome != "met" for verdict in verdicts)
    print(f"{len(verdicts) - bad} of {len(verdicts)} aims met")
    return 1 if bad else 0


def read(file):
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def write(file, results):
    """One line a row and a setting, so that a change can be seen."""
    head = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in results.items() if name != "rows")
    rows = ",\n".join(f"    {json.dumps(row)}" for row in results["rows"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{{\n{head},\n  "rows": [\n{rows}\n  ]\n}}\n', encoding="utf-8")


def merged(old, new, order):
    """The new rows, and of the old ones those that were not measured anew, in the order of the names."""
    rows = {row["name"]: row for row in old.get("rows", [])} | {row["name"]: row for row in new["rows"]}
    return {**new, "rows": [rows[name] for name in order if name in rows]}


def differences(old, new):
    """In what two results differ that makes their rows not comparable."""
    return [name for name in ("machine", "versions", "settings") if old and old.get(name) != new[name]]


def refuse_to_mix(command, old, new, out):
    """Rows of two machines in one file would be compared."""
    different = differences(old, new)
    if different:
        sys.exit(f"{command}: {out} has rows of other {' and '.join(different)}: measure all rows, or name another file with --out.")


VECTOR_FLAGS = ("avx", "fma", "amx", "asimd", "sve", "i8mm", "bf16")


def machine(threads):
    flags = (cpu_field("flags") or cpu_field("Features")).split()
    return {
        "processor": cpu_field("model name") or platform.processor(),
        "flags": [flag for flag in flags if flag.startswith(VECTOR_FLAGS)],
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def cpu_field(name):
    with open("/proc/cpuinfo") as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == name), "")


def commit():
    """The checkout's commit, with a plus where files differ from it."""
    described = subprocess.run(["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"], cwd=ROOT, capture_output=True, text=True)
    return described.stdout.strip() or "unknown"
