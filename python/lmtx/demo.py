"""The demo: a small encoder learns to tag bills of Congress from an LLM's recorded verdicts."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ._core import Bm25Index, Budget, Corpus, CurriculumTrainer, Document, Encoder, LabelSet, RecordedOracle, Tagger, TaggerSettings, TrainerOptions, TrainingReport
from .data import data_file, read_data
from .evaluation import evaluate, rank_with_tagger, write_json
from .models import bundled_minilm
from .progress import ProgressDisplay

__all__ = ["Demo"]

# Judgments a document, of each preset: what both may spend.
JUDGMENTS = 10
# Fewer documents and shorter texts than the presets are made for, so smaller batches and fewer steps; all documents train, so that none are held out. This teacher says
# yes too easily (of its scores from 0.5 up 42 % are right, from 0.6 up 47 %), so a yes needs more.
COMMON = {"batch_size": 32, "document_length": 96, "development": 0, "yes_above": 0.6}
# The paper's way of learning, as it does best here: more epochs and a lower rate.
PAPER = COMMON | {"cycles": 1, "epochs": 3, "learning_rate": 1e-4, "warmup": 0.2}
# What is asked is what was recorded, as far as it goes; the errors of this teacher, always the same for a term, are not to be learned too well.
DEFAULT = COMMON | {"cycles": 2, "steps": 45, "shortlist_size": 10, "base_mix": 0.7}
OPTIONS: dict[str, dict[str, Any]] = {"paper": PAPER, "default": DEFAULT}
REPORTED = ("precision@1", "precision@5", "recall@10", "recall@100")


@dataclass
class Shown:
    """All that the demo shows, so that a finished one can be shown again."""

    heading: str
    options: dict[str, Any]
    rows: list[dict[str, Any]]
    asking: list[dict[str, Any]]
    bills: list[dict[str, Any]]


class Demo:
    """Trains, compares and tags some bills; a finished demo is only shown again. Its input is checked when it is made.

    Args:
        out: Where the run and the report go; None means build/demo in a checkout, else lmtx-demo.
        data: The folder of the bills; None means the one that comes with LMTX.
    """

    def __init__(self, out: Path | None = None, data: Path | None = None):
        self._out = out or _default_folder()
        data = data or _find_data()
        self._shown = _read_finished(self._out)
        self._work = None if self._shown else _Work(self._out, data)

    def run(self, console: Console | None = None) -> Path:
        """Does it all and writes `out`/report.json.

        Returns:
            The file of the report.
        """
        if self._work is not None:
            self._shown, report = self._work.train_and_compare()
            write_json(self._out / "report.json", report)
            write_json(self._out / "shown.json", asdict(self._shown))
            self._work = None
        assert self._shown is not None  # Where it is not there from the start, there is work.
        _show(self._shown, self._out, console or Console())
        return self._out / "report.json"


def _find_data() -> Path:
    here = Path(__file__).resolve().parent
    for folder in (here.parents[1] / "examples" / "us-bills-110", here / "us-bills-110"):
        if (folder / "verdicts.jsonl.gz").is_file():
            return folder
    raise ValueError("the demo's data is not here; name its folder (examples/us-bills-110 of a checkout of LMTX) with --data.")


def _default_folder() -> Path:
    checkout = Path(__file__).resolve().parents[2]
    return checkout / "build" / "demo" if (checkout / "CMakeLists.txt").is_file() else Path("lmtx-demo")


def _read_finished(out: Path) -> Shown | None:
    """What a finished demo with these options showed."""
    if not (out / "report.json").is_file() or not (out / "shown.json").is_file():
        return None
    shown = Shown(**json.loads((out / "shown.json").read_text(encoding="utf-8")))
    return shown if shown.options == OPTIONS else None


class _Work:
    """What a demo that is not finished works on."""

    def __init__(self, out: Path, data: Path):
        self._labels, self._test, self._targets = read_data(data, "test")
        self._base = Encoder.load(bundled_minilm())
        teacher = RecordedOracle.open(data / "verdicts.jsonl.gz")
        documents = Corpus.open(data_file(data, "train"))
        budget = Budget(JUDGMENTS * len(documents))
        self._trainers = {
            name: CurriculumTrainer(self._base, documents, self._labels, teacher, folder=out / name, options=TrainerOptions(name, **options), budget=budget)
            for name, options in OPTIONS.items()
        }

    def train_and_compare(self) -> tuple[Shown, dict[str, Any]]:
        labels, test, targets = self._labels, self._test, self._targets
        reports = {name: _run(name, trainer) for name, trainer in self._trainers.items()}
        with ProgressDisplay() as display:
            students = {name: Tagger.load(report.tagger_folder) for name, report in reports.items()}
            settings = students["default"].settings
            evaluation = _Evaluation(labels, test, targets, settings, display)
            untouched, _ = evaluation.of_tagger(Tagger.from_labels(self._base, labels, settings=settings), "the untouched encoder")
            bm25 = evaluation.of_ranking(rank_by_bm25(labels, test))
            measured = {name: evaluation.of_tagger(student, f"preset {name}") for name, student in students.items()}
        numbers = {"untouched": untouched, "bm25": bm25} | {name: metrics | _asking(reports[name].total) for name, (metrics, _) in measured.items()}
        shown = Shown(
            heading=f"{len(test):,} held-out bills with their true labels, {len(labels):,} labels\n(the encoders read {settings.search_length} tokens a bill)",
            options=OPTIONS,
            rows=_rows(untouched, bm25, {name: metrics for name, (metrics, _) in measured.items()}),
            asking=[{"name": f"preset {name}"} | _asking(report.total) for name, report in reports.items()],
            bills=_choose_bills(labels, test, targets, students["default"], measured["default"][1]),
        )
        return shown, numbers


def _run(name: str, trainer: CurriculumTrainer) -> TrainingReport:
    with ProgressDisplay() as display:
        display.notice(f"preset {name}")
        return trainer.run(on_event=display)


class _Evaluation:
    """Measures rankings of the test documents."""

    def __init__(self, labels: LabelSet, test: Corpus, targets: list[list[int]], settings: TaggerSettings, display: ProgressDisplay):
        self._labels, self._test, self._targets, self._settings, self._display = labels, test, targets, settings, display

    def of_tagger(self, tagger: Tagger, name: str) -> tuple[dict[str, Any], list[list[int]]]:
        ranked = rank_with_tagger(tagger, self._test, lambda uid, number: number, on_event=self._display.named(f"measure {name}"))
        return self.of_ranking(ranked), ranked

    def of_ranking(self, ranked: list[list[int]]) -> dict[str, Any]:
        return evaluate(self._targets, ranked, REPORTED)


def rank_by_bm25(labels: LabelSet, documents: Corpus, k: int = 100) -> list[list[int]]:
    """Labels whose names share words with a document's full text, by BM25 with the document as the query; equal scores by label number."""
    ranked = Bm25Index.build(labels.names).search(documents, k)
    return [ranked[i].tolist() for i in range(len(ranked))]


def _asking(asked: Any) -> dict[str, int]:
    return {"pairs_wanted": asked.pairs_wanted, "judgments": asked.judgments, "abstentions": asked.abstentions, "yes": asked.yes}


def _rows(untouched: dict[str, Any], bm25: dict[str, Any], students: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    trained = [(f"preset {name}", metrics) for name, metrics in students.items()]
    return [{"name": name, **metrics} for name, metrics in [("untouched encoder", untouched), ("BM25, full text", bm25), *trained]]


def _choose_bills(labels: LabelSet, test: Corpus, targets: list[list[int]], tagger: Tagger, ranked: list[list[int]]) -> list[dict[str, Any]]:
    """The first three bills whose best tag is true, and the first three whose best tag is not."""
    documents: list[Document] = list(test)
    right = [i for i, labels_found in enumerate(ranked) if labels_found[0] in targets[i]][:3]
    wrong = [i for i, labels_found in enumerate(ranked) if labels_found[0] not in targets[i]][:3]
    chosen = right + wrong
    tags = tagger.tag([documents[i] for i in chosen], k=5)
    return [
        {
            "title": documents[i].title,
            "tags": [{"label": tag.label, "score": round(tag.score, 2), "true": tag.number in targets[i]} for tag in tags[j]],
            "true": [labels[number].name for number in targets[i]],
        }
        for j, i in enumerate(chosen)
    ]


def _show(shown: Shown, out: Path, console: Console) -> None:
    console.print(_metrics_table(shown))
    console.print(_asking_table(shown))
    for preset, options in shown.options.items():
        settings = ", ".join(f"{name}={value}" for name, value in options.items())
        console.print(f"Changed in the preset {preset}: {settings}.", highlight=False)
    console.print("Teacher: recorded verdicts of Qwen2.5-Coder-1.5B-Instruct; pairs that were not recorded count as abstained. No true label was used to train.\n", highlight=False)
    for bill in shown.bills:
        _show_bill(bill, console)
    console.print(f"The figures are in {out / 'report.json'}, the taggers in {out / 'paper' / 'tagger'} and {out / 'default' / 'tagger'}.", highlight=False, soft_wrap=True)


def _metrics_table(shown: Shown) -> Table:
    """At most 80 columns wide."""
    table = Table(title=f"{shown.heading}\nper cent, with 95 % bootstrap intervals", box=SIMPLE, pad_edge=False)
    table.add_column("")
    for name in REPORTED:
        table.add_column(name, justify="right", no_wrap=True)
    for row in shown.rows:
        table.add_row(row["name"], *(f"[bold]{row[name]['value']:.1f}[/bold]\n[dim]{row[name]['low']:.1f}–{row[name]['high']:.1f}[/dim]" for name in REPORTED))
    return table


def _asking_table(shown: Shown) -> Table:
    table = Table(title="What the teacher was asked", box=SIMPLE, pad_edge=False)
    for name in ("", "pairs wanted", "judgments", "abstentions", "yes-rate"):
        table.add_column(name, justify="left" if not name else "right")
    for asked in shown.asking:
        rate = f"{100 * asked['yes'] / asked['judgments']:.1f} %" if asked["judgments"] else ""
        table.add_row(asked["name"], f"{asked['pairs_wanted']:,}", f"{asked['judgments']:,}", f"{asked['abstentions']:,}", rate)
    return table


def _show_bill(bill: dict[str, Any], console: Console) -> None:
    console.print(bill["title"], style="bold", markup=False, highlight=False)
    for tag in bill["tags"]:
        mark = "[green]true [/green]" if tag["true"] else "[red]not  [/red]"
        console.print(f"  {mark} {tag['score']:.2f}  {tag['label']}", highlight=False)
    console.print(f"  its true labels: {'; '.join(bill['true'])}\n", style="dim", markup=False, highlight=False)
