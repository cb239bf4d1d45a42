"""LMTX tags text from huge label sets, without labelled data.

A small encoder proposes labels for documents, a teacher (an LLM, a person, a recording) judges some of them, and the encoder learns from the verdicts:

    import lmtx

    def ask(document: str, labels: list[str]) -> list[float | bool | None]:
        ...  # ask an LLM whether each label fits; None abstains

    tagger = lmtx.train(documents, labels, teacher=ask, base="sentence-transformers/all-MiniLM-L6-v2",
                        budget=lmtx.Budget(judgments=20_000), out="lmtx-run")
    tagger.tag("How do I get red wine out of a wool carpet?")
"""

from ._preload import load_torch_libraries

load_torch_libraries()

from ._core import (  # noqa: E402
    AnswerSink,
    AskingReport,
    Bm25Index,
    Budget,
    CallbackOracle,
    Comparison,
    Corpus,
    CurriculumTrainer,
    CycleReport,
    Document,
    Encoder,
    Event,
    InputReport,
    Interval,
    Judgment,
    JudgmentStore,
    Label,
    LabelIndex,
    LabelMatches,
    LabelSet,
    OptionInfo,
    PairsOpen,
    Plan,
    Question,
    RankedLists,
    RecordedOracle,
    ScriptedOracle,
    Stopped,
    Tag,
    Tagger,
    TaggerSettings,
    TeacherError,
    TeacherOracle,
    TeacherTraits,
    Tokenizer,
    TrainerOptions,
    TrainingReport,
    Usage,
    Verdict,
    bootstrap_mean,
    bootstrap_ratio,
    built_with_torch,
    compare_means,
    compare_ratios,
    fuse,
    inverse_propensities,
    label_frequencies,
    ndcg,
    ndcg_per_document,
    precision,
    precision_per_document,
    preset_names,
    psndcg,
    psndcg_per_document,
    psprecision,
    psprecision_per_document,
    psrecall,
    psrecall_per_document,
    read_targets,
    recall,
    recall_per_document,
    refine_labels,
    version,
)
from .models import find_model  # noqa: E402
from .tables import show_as_tables  # noqa: E402
from .teachers import callable_identity, make_teacher  # noqa: E402
from .training import train  # noqa: E402

__version__ = version()

show_as_tables()
# Set by train(); a tagger that was loaded from its folder has none.
Tagger.report = None

__all__ = [
    "AnswerSink",
    "AskingReport",
    "Bm25Index",
    "Budget",
    "CallbackOracle",
    "Comparison",
    "Corpus",
    "CurriculumTrainer",
    "CycleReport",
    "Document",
    "Encoder",
    "Event",
    "InputReport",
    "Interval",
    "Judgment",
    "JudgmentStore",
    "Label",
    "LabelIndex",
    "LabelMatches",
    "LabelSet",
    "OptionInfo",
    "PairsOpen",
    "Plan",
    "Question",
    "RankedLists",
    "RecordedOracle",
    "ScriptedOracle",
    "Stopped",
    "Tag",
    "Tagger",
    "TaggerSettings",
    "TeacherError",
    "TeacherOracle",
    "TeacherTraits",
    "Tokenizer",
    "TrainerOptions",
    "TrainingReport",
    "Usage",
    "Verdict",
    "bootstrap_mean",
    "bootstrap_ratio",
    "built_with_torch",
    "callable_identity",
    "compare_means",
    "compare_ratios",
    "find_model",
    "fuse",
    "inverse_propensities",
    "label_frequencies",
    "make_teacher",
    "ndcg",
    "ndcg_per_document",
    "precision",
    "precision_per_document",
    "preset_names",
    "psndcg",
    "psndcg_per_document",
    "psprecision",
    "psprecision_per_document",
    "psrecall",
    "psrecall_per_document",
    "read_targets",
    "recall",
    "recall_per_document",
    "refine_labels",
    "train",
    "version",
]
