"""One row of the benchmark: what is computed, what it is kept under, and what is kept of it."""

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import kept
import lmtx
import numpy as np
import scoring
from arms import FREE, departures, find_arm, resolve
from asked import PROMPT, Costs, costs_by_cycle, count_tokens
from common.data import document_text
from oracles import Noisy, RecordedScores, TeacherSpec, Truth
from prototypes import pair_scores, prototype_tagger, top_pairs
from rankings import Rankings, as_documents, label_set, rank_by_tagger
from records import key_text
from sets import MOST_TRAINING, DataSet, true_labels
from true_verdicts import AskedNothing, give_verdicts, true_pairs


@dataclass(frozen=True)
class RowSpec:
    """Which row, on what, and where it is computed."""

    arm: str
    folder: str
    base: str
    # None where nothing is drawn, spent or asked.
    seed: int | None = None
    budget: int | str | None = None
    teacher: str | None = None
    # Options changed besides those that the arm's name stands for.
    changes: dict | None = None
    # Most documents of each split; None means all.
    train: int | None = MOST_TRAINING
    test: int | None = None
    device: str = "cpu"
    cache: str = "build/quality"
    keep: bool = False

    def to_json(self):
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text):
        return RowSpec(**json.loads(text))

    @property
    def title(self):
        parts = [Path(self.folder).name, self.name, *([f"seed {self.seed}"] if self.seed is not None else [])]
        parts += [f"budget {self.budget}"] if self.budget else []
        return ", ".join(parts + ([self.teacher] if self.teacher else []))

    @property
    def name(self):
        """The arm, with the options that were changed besides."""
        return self.arm + (f"[{','.join(f'{name}={value}' for name, value in sorted(self.changes.items()))}]" if self.changes else "")

    def options(self):
        """TrainerOptions, or None where nothing is trained. ValueError where this LMTX lacks the preset or an option."""
        arm, changes = find_arm(self.arm)
        return resolve(arm, {**changes, **(self.changes or {})}, self.budget, self.seed) if arm.preset else None

    def key(self, digest, base):
        """What a result is kept under: the same key, the same figures. `digest` is of the data, `base` of the encoder."""
        options = self.options()
        teacher = TeacherSpec.parse(self.teacher).name if self.teacher else None
        return {
            "arm": self.name,
            "options": departures(options) if options else {},
            "set": Path(self.folder).name,
            "data": digest,
            "base": base[:8],
            "seed": self.seed,
            "budget": self.budget,
            "teacher": teacher,
            "train": self.train if self.seed is not None else None,
            "test": self.test,
        }


def compute(spec):
    """The result of a row, as results keep it."""
    return Row(spec).compute()


def prepare(spec):
    """Fills the cache with the rankings that rows share: of the test documents, and with a seed of those to train on."""
    row = Row(spec)
    documents = row.data.test if spec.seed is None else row.documents()
    row.rankings.fusion(documents)
    return {"kind": "rankings", "documents": len(documents)}


def set_record(data, spec):
    """What results keep of a set, once: how many true labels each test document has."""
    return {
        "kind": "set",
        "set": data.name,
        "data": data.digest,
        "test": spec.test,
        "labels": len(data.labels),
        "train_documents": len(data.train),
        "test_documents": len(data.test),
        "true": kept.pack(np.minimum([len(targets) for targets in data.test_targets], 255)),
    }


class Row:
    def __init__(self, spec):
        self.spec = spec
        self.arm, _ = find_arm(spec.arm)
        self.data = DataSet.read(spec.folder, spec.test)
        self.encoder = lmtx.Encoder.load(spec.base, device=spec.device)
        self.rankings = Rankings(self.data, self.encoder, spec.cache, spec.device)

    @cached_property
    def key(self):
        return self.spec.key(self.data.digest, self.encoder.fingerprint())

    @cached_property
    def weights(self):
        return scoring.label_weights(self.data)

    def compute(self):
        begin = time.perf_counter()
        found = {"ranking": self._ranking, "prototypes": self._prototypes, "preset": self._training, "ceiling": self._training}[self.arm.kind]()
        versions = {"lmtx": lmtx.version(), "torch": lmtx.built_with_torch(), "time": int(time.time())}
        shared = {"kind": "row", "key": self.key, "device": self.spec.device, **versions}
        return {**shared, **found, "row_seconds": round(time.perf_counter() - begin, 1)}

    # -- what is measured

    def _scores(self, ranked):
        """Metrics, and what is kept of each document."""
        metrics = scoring.measure(self.data.test_targets, ranked, self.weights)
        return {"metrics": metrics, "kept": scoring.kept_values(self.data.test_targets, ranked)}

    def _metrics(self, tagger):
        return scoring.measure(self.data.test_targets, self._ranked(tagger), self.weights)

    def _ranked(self, tagger):
        return rank_by_tagger(tagger, self.data.test, self.spec.device)

    # -- without training

    def _ranking(self):
        rank = {"untouched": self.rankings.untouched, "bm25": self.rankings.words, "fusion": self.rankings.fusion}[self.arm.name]
        return self._scores(rank(self.data.test))

    def _prototypes(self):
        documents = self.documents()
        recorded = TeacherSpec.parse(self.spec.teacher).file
        oracle = RecordedScores(recorded) if recorded else self._oracle()
        pairs = top_pairs(self.rankings.fusion(documents), self.spec.budget * len(documents))
        texts = [document_text(document) for document in documents]
        scores = pair_scores(oracle, self.data, documents, pairs)
        tagger = prototype_tagger(self.encoder, self.data, texts, pairs, scores)
        costs = self._costs_of(texts, pairs, missing=int(np.isnan(scores).sum()))
        return {**self._scores(self._ranked(tagger)), "documents": len(documents), "costs": asdict(costs)}

    def _costs_of(self, texts, pairs, missing):
        """What pairs cost that are asked at once."""
        documents, labels = pairs
        of_documents = count_tokens(self.encoder.tokenizer, texts)
        of_labels = count_tokens(self.encoder.tokenizer, [label["title"] for label in self.data.labels])
        asked = np.unique(documents)
        by_question = (of_documents[asked] + PROMPT).sum() + of_labels[labels].sum()
        by_pair = (of_documents[documents] + of_labels[labels] + PROMPT).sum()
        return Costs(len(labels), len(labels), missing, len(asked), int(by_pair), int(by_question))

    # -- what a run gets

    def documents(self):
        among = TeacherSpec.parse(self.spec.teacher).documents() if self.spec.teacher else None
        documents = self.data.training(self.spec.seed, self.spec.train, among)
        if not documents:
            raise ValueError(f"{self.spec.teacher} has no training document of {self.data.name}.")
        return documents

    def _oracle(self):
        teacher = TeacherSpec.parse(self.spec.teacher)
        if teacher.kind == "recorded":
            return lmtx.RecordedOracle.open(teacher.file)
        documents = self.documents()
        true = true_labels(documents, self.data.label_uids)
        name = f"{teacher.kind} labels/{self.data.name}/{self.data.digest}"
        if teacher.kind == "true":
            return Truth(true, name)
        near = self.rankings.near(documents)
        return Noisy(true, near, self.spec.seed, f"{name}/{self.key['base']}/seed {self.spec.seed}")

    def _budget(self, documents):
        if self.spec.budget in (None, FREE):
            return None
        return lmtx.Budget(judgments=self.spec.budget * documents, charge_stored=True)

    # -- training

    def _training(self):
        documents = self.documents()
        folder = Path(self.spec.cache) / "runs" / hashlib.blake2b(key_text(self.key).encode(), digest_size=12).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        is_resumed = (folder / "run.json").exists()
        clock = Clock()
        report = self._run(documents, folder, clock)
        seconds = None if is_resumed else clock.elapsed()
        result = {"documents": len(documents), "seconds": seconds, **self._of_run(report, folder, documents, clock)}
        if not self.spec.keep:
            shutil.rmtree(folder)
        return result

    def _of_run(self, report, folder, documents, clock):
        """What is kept of a finished run."""
        tagger = lmtx.Tagger.load(report.tagger_folder, device=self.spec.device)
        scores = self._scores(self._ranked(tagger))
        costs = costs_by_cycle(folder, self.encoder.tokenizer, documents, self.data.labels)
        return {
            **scores,
            "best_cycle": report.best_cycle,
            "ended": report.ended,
            "notices": report.notices,
            "costs": asdict(costs[max(costs)] if costs else Costs()),
            "cycles": [self._cycle(cycle, report, tagger, folder, costs, clock, scores) for cycle in report.cycles],
        }

    def _run(self, documents, folder, clock):
        oracle = self._oracle() if self.arm.has_teacher else None
        trainer = lambda teacher: lmtx.CurriculumTrainer(  # noqa: E731
            self.encoder,
            lmtx.Corpus.from_documents(as_documents(documents)),
            label_set(self.data.labels),
            teacher,
            folder=folder,
            options=self.spec.options(),
            budget=self._budget(len(documents)),
        )
        if self.arm.kind == "ceiling" and not (folder / "cycle-0" / "asked").exists():
            self._give_true_pairs(trainer, oracle, documents, folder)
        return trainer(oracle).run(on_event=clock)

    def _give_true_pairs(self, trainer, oracle, documents, folder):
        """Lets the run begin up to its first question, and puts all answers in its place."""
        try:
            trainer(NothingAsked(oracle)).run()
        except AskedNothing:
            pass
        give_verdicts(folder / "cycle-0", true_pairs(documents, self.rankings.fusion(documents)[:, :10]))

    def _cycle(self, cycle, report, tagger, folder, costs, clock, scores):
        """A point of the learning curve."""
        measured = None
        if cycle.cycle == report.best_cycle:
            measured = scores["metrics"]
        else:
            student = student_tagger(folder, cycle.cycle, tagger, self.spec.device)
            measured = self._metrics(student) if student else None
        return {
            "cycle": cycle.cycle,
            "accepted": cycle.accepted,
            "steps": cycle.steps,
            "yes_rate": round(cycle.training.yes_rate, 4),
            "costs": asdict(costs.get(cycle.cycle, Costs())),
            "seconds": clock.cycles.get(cycle.cycle),
            "metrics": measured,
        }


def student_tagger(folder, cycle, final, device):
    """A cycle's student as a tagger like the final one, with labels moved by verdicts where the run moved them; None where the cycle has none."""
    student, index = (folder / f"cycle-{cycle}" / name for name in ("student", "index"))
    if not student.exists():
        return None
    encoder = lmtx.Encoder.load(student, device=device)
    if index.exists():
        return lmtx.Tagger(encoder, final.labels, lmtx.LabelIndex.load(index), settings=final.settings)
    return lmtx.Tagger.from_labels(encoder, final.labels, settings=final.settings)


class NothingAsked(lmtx.TeacherOracle):
    """Has another teacher's name, and ends the run where that would be asked."""

    def __init__(self, other):
        super().__init__()
        self._identity = other.identity()

    def identity(self):
        return self._identity

    def judge(self, questions, answers):
        raise AskedNothing


class Clock:
    """Seconds from its making to the end of each cycle, of one call; takes a run's events."""

    def __init__(self):
        self._begin = time.perf_counter()
        self.cycles = {}

    def elapsed(self):
        return round(time.perf_counter() - self._begin, 2)

    def __call__(self, event):
        if event.kind == "cycle":
            self.cycles[event.cycle] = self.elapsed()
