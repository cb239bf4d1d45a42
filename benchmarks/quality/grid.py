"""Which rows a call is about, and which of them are missing."""

from dataclasses import dataclass, replace
from pathlib import Path

import lmtx
from arms import FREE, find_arm
from jobs import Job
from lmtx.models import bundled_minilm
from oracles import TeacherSpec
from records import key_text, set_key
from rows import RowSpec, set_record
from sets import DataSet

# A recording is of a set when the training split has at least this share of its documents.
RECORDED_SHARE = 0.5


@dataclass(frozen=True)
class Planned:
    specs: list
    # Records of sets that the results do not have.
    sets: list
    # Rows that the results have.
    known: int
    # Why rows cannot be measured, by their name.
    absent: dict


def plan(arguments, folders, changes, found):
    base = str(arguments.base or bundled_minilm())
    fingerprint = lmtx.Encoder.load(base).fingerprint()
    teachers = [str(TeacherSpec.parse(text)) for text in arguments.teachers]
    data = {folder: DataSet.read(folder, arguments.test) for folder in folders}
    first = RowSpec("", "", base, train=arguments.train, test=arguments.test, device=arguments.device, cache=arguments.cache, keep=arguments.keep)
    specs, absent, known, seen = [], {}, 0, set()
    # The longest first, so that none runs alone in the end.
    by_size = [str(folder) for folder in sorted(folders, key=lambda folder: -len(data[folder].labels))]
    for spec in rows_of(first, arguments.arms, by_size, arguments.seeds, arguments.budgets, teachers, changes):
        reason = why_absent(spec, data[Path(spec.folder)])
        if reason:
            absent[spec.name if "recording" not in reason else spec.title] = reason
            continue
        key = key_text(spec.key(data[Path(spec.folder)].digest, fingerprint))
        if key not in seen:
            seen.add(key)
            known += key in found.rows
            specs += [spec] if key not in found.rows else []
    sets = [set_record(one, first) for one in data.values()]
    return Planned(specs, [record for record in sets if set_key(record) not in found.sets], known, absent)


# In which order arms are worth having; what takes longest comes last.
FIRST = ("untouched", "bm25", "fusion", "default", "paper", "paper-tuned", "prototypes")


def rows_of(first, arms, folders, seeds, budgets, teachers, changes):
    """Every row in the order in which they are worth having: whole tables before further seeds, and an arm on all sets before the next."""
    arms = sorted(arms, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST) + find_arm(name)[0].is_free)
    for seed in seeds:
        for budget in budgets:
            for name in arms:
                for teacher in teachers:
                    for folder in folders:
                        yield row_of(replace(first, folder=folder), name, seed, budget, teacher, changes)


def row_of(spec, name, seed, budget, teacher, changes):
    """The row with what its arm depends on, and no more, so that it is not measured twice."""
    arm, _ = find_arm(name)
    if arm.kind == "ranking":
        return replace(spec, arm=name)
    spec = replace(spec, arm=name, seed=seed, changes=(changes or None) if arm.preset else None)
    if arm.kind == "ceiling":
        return replace(spec, teacher="true")
    if not arm.has_teacher:
        return spec
    return replace(spec, teacher=teacher, budget=FREE if arm.is_free else budget)


def why_absent(spec, data):
    """A sentence, or None where the row can be measured."""
    try:
        spec.options()
    except ValueError as error:
        return str(error)
    recorded = TeacherSpec.parse(spec.teacher).documents() if spec.teacher else None
    if recorded is not None and len(recorded.intersection(document["uid"] for document in data.train)) < RECORDED_SHARE * len(recorded):
        return "the recording is of another set."
    return None


def jobs(specs):
    """A job for each row, and before it one for the rankings that it shares with others."""
    made = {}
    for spec in specs:
        arm, _ = find_arm(spec.arm)
        needs = [f"rankings of {Path(spec.folder).name}"]
        made.setdefault(needs[0], Job(needs[0], ["--prepare", replace(spec, seed=None, teacher=None).to_json()]))
        if spec.teacher == "noisy" or arm.kind in ("prototypes", "ceiling"):
            shared = f"rankings of {Path(spec.folder).name}, seed {spec.seed}{', recorded' if (spec.teacher or '').startswith('recorded') else ''}"
            made.setdefault(shared, Job(shared, ["--prepare", spec.to_json()], list(needs)))
            needs.append(shared)
        made[spec.title] = Job(spec.title, ["--row", spec.to_json()], needs)
    return list(made.values())
