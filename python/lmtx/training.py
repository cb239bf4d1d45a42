"""The whole job in one call."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._core import Budget, Calibration, CurriculumTrainer, Encoder, Event, Rates, Tagger, TeacherOracle, TrainerOptions
from .inputs import make_corpus, make_labels
from .models import find_model
from .progress import ProgressDisplay
from .teachers import Ask, AskAsync, HumanTeacher, make_teacher, source_change_notice
from .trust import calibrated

__all__ = ["train"]


def train(
    documents: Any,
    labels: Any,
    *,
    teacher: TeacherOracle | Ask | AskAsync | str | None = None,
    base: str | os.PathLike[str] | Encoder,
    budget: Budget | None = None,
    rates: Rates | None = None,
    out: str | os.PathLike[str] = "lmtx-run",
    preset: str = "default",
    store: str | os.PathLike[str] | None = None,
    teacher_identity: str | None = None,
    calibration: Calibration | str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Event], None] = True,
    **options: int | float | bool | str,
) -> Tagger:
    """Trains a tagger from a teacher's verdicts, or from documents and label names alone, in a work folder.

    Everything is checked before the teacher is asked. The same call goes on after any interruption, and on a finished folder gives its result.

    Args:
        documents: A list of str or dict, a DataFrame, or a path to JSON lines.
        labels: A list of str or dict, or a path to JSON lines.
        teacher: A function ask(document, labels), plain or async, that returns, for each label, a score in [0, 1], True, False, or None to abstain; a TeacherOracle,
            such as those of lmtx.teachers; or a str as for make_teacher(), such as "recorded:FILE" or "llama_cpp:FILE.gguf". None with the presets "maclr" and "rts", which ask nothing.
        base: The encoder to start from: a sentence-transformers folder, or a model of the Hugging Face hub.
        budget: What to spend at most; None is no limit.
        rates: What the teacher charges and how fast it is, where it does not say so itself: for the plan, and for a budget's `cost`.
        out: The work folder. The tagger is then in `out`/tagger.
        preset: The options to start from: "default", which measured best, "paper", the published method, or another of preset_names().
        store: Where judgments are kept; None means in the work folder. A file that several runs share asks nothing twice.
        teacher_identity: The name under which a function's judgments are kept; by default its module and name with a hash of its source.
        calibration: Puts the teacher's scores right: a Calibration, or a file of one (`lmtx calibrate`). The teacher's own verdicts stay in the store, so that
            another calibration asks nothing again.
        progress: Bars on the terminal (stderr), or a function that gets each Event.
        **options: Settings by name, such as cycles=2; TrainerOptions lists them.

    Returns:
        The tagger; its `report` says what the run did.

    Raises:
        ValueError, TypeError, RuntimeError: For input that makes no sense, before anything is spent.
        PairsOpen, TeacherError: When the teacher cannot go on. What it answered is kept.

    Example:
        >>> def ask(document: str, labels: list[str]) -> list[float | bool | None]:
        ...     return [label in document for label in labels]
        >>> documents = ['a tax on foreign trade', 'the health of schools', 'an army office', 'a study of water and farming'] * 3
        >>> tagger = lmtx.train(documents, ['tax', 'trade', 'health', 'school', 'army', 'water'], teacher=ask, teacher_identity='substring/1', base='model',
        ...                     out='train-run', progress=False, cycles=1, development=0, batch_size=4)
        >>> tagger
        Tagger(6 labels, dim=32, search_length=64, k=5)
        >>> tagger.report.total.judgments
        24
    """
    oracle = None if teacher is None else make_teacher(teacher, teacher_identity)
    judge = calibrated(oracle, calibration, store or Path(out) / "judgments.db")
    settings = TrainerOptions(preset, **options)
    encoder = base if isinstance(base, Encoder) else Encoder.load(find_model(base))
    trainer = CurriculumTrainer(encoder, make_corpus(documents), make_labels(labels), judge, folder=out, options=settings, store=store, budget=budget, rates=rates)
    with ProgressDisplay.for_argument(progress, bars=not isinstance(oracle, HumanTeacher)) as display:
        notice = oracle and source_change_notice(oracle.identity(), store or Path(out) / "judgments.db")
        if notice:
            display.notice(notice)
        report = trainer.run(on_event=display)
    tagger = Tagger.load(report.tagger_folder)
    tagger.report = report
    return tagger
