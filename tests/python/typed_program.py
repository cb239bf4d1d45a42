"""A program as users write them, with types: tests/python/test_typing.py has it checked."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

import lmtx


class Keywords(lmtx.TeacherOracle):
    def identity(self) -> str:
        return "keywords/1"

    def traits(self) -> lmtx.TeacherTraits:
        return lmtx.TeacherTraits(questions_per_call=8)

    def judge(self, questions: list[lmtx.Question], answers: lmtx.AnswerSink) -> None:
        for question in questions:
            if not answers.stop_requested:
                answers.put(question, [label.name in question.text for label in question.labels], usage=lmtx.Usage(seconds=0.1))


def ask(document: str, labels: list[str]) -> list[float | bool | None]:
    return [None if not document else label in document for label in labels]


async def ask_async(document: str, labels: list[str]) -> list[float | bool | None]:
    return ask(document, labels)


def ask_batch(questions: list[tuple[str, list[str]]], descriptions: list[list[str]]) -> list[list[float | bool | None]]:
    return [ask(document, labels) for document, labels in questions]


def make_teachers() -> list[lmtx.TeacherOracle]:
    teachers = [lmtx.make_teacher(ask), lmtx.make_teacher(ask_async), lmtx.make_teacher("human"), lmtx.teachers.concurrent(ask_async, concurrency=4)]
    local = lmtx.teachers.llama_cpp("model.gguf", prompt=lmtx.Prompt(task="Tags are subjects."), n_ctx=2048)
    return [*teachers, lmtx.teachers.batch(ask_batch, questions_per_call=8), local, lmtx.teachers.transformers("model", device="cuda"), lmtx.teachers.cross_encoder("model")]


def show(event: lmtx.Event) -> None:
    print(event.stage, event.done, event.total)


def use_encoder(folder: Path) -> npt.NDArray[np.float32]:
    encoder = lmtx.Encoder.load(folder)
    one: npt.NDArray[np.float32] = encoder.encode("tax")
    many = encoder.encode(["tax", "trade"], normalize=True, on_event=show)
    tokens: list[npt.NDArray[np.int32]] = encoder.tokenizer.encode(["tax"], max_length=8)
    index = lmtx.LabelIndex.build(many).with_bias([0], [0.5])
    matches = index.search(many, 2, deny=[1])
    print(one.shape, tokens[0].dtype, matches.labels[0, 0], encoder.prompts.get("query", ""))
    return matches.scores


def use_tagger(tagger: lmtx.Tagger) -> list[str]:
    tags: list[lmtx.Tag] = tagger.tag("tax", k=2)
    of_many: list[list[lmtx.Tag]] = tagger.tag(["tax", {"title": "trade"}, lmtx.Document("7", content="army")])
    names = [tag.label for tag in tags] + [f"{tag.score:.2f}" for each in of_many for tag in each]
    counts: lmtx.TaggingCounts = lmtx.tag_to_file("tagger", "texts.csv", Path("tags.parquet"), text="body", on_progress=lambda done, total: None)
    names += [counts.first_fault, *tagger.tag_frame(None, text="body")["tags"]]
    if tagger.report is not None:
        names += [cycle.development_precision.low.hex() for cycle in tagger.report.cycles if cycle.development_precision is not None]
    return names


def change_labels(tagger: lmtx.Tagger, documents: list[str]) -> list[str]:
    numbers: list[int] = tagger.labels.add(["chess", {"uid": "l-go", "title": "go"}])
    tagger.labels.remove("chess")
    chosen: lmtx.LabelFilter = tagger.filter(deny=["l-go"], groups="games", members={"games": ["l-go"]})
    pairs = [(pair.first, pair.second) for pair in tagger.labels.near_duplicates(of=["l-go"]) if pair.cosine > 0.9 and pair.first in numbers]
    changes = lmtx.compare_tags(tagger, tagger, documents, k=2, filter=chosen)
    return [tag.label for change in changes for tag in change.added] + [tagger.labels[number].name for pair in pairs for number in pair]


def train(folder: Path, teacher: lmtx.TeacherOracle) -> lmtx.TrainingReport:
    labels = lmtx.LabelSet([lmtx.Label("l-tax", "tax", broader=["l-money"])])
    number: int | None = labels.find("l-tax")
    trainer = lmtx.CurriculumTrainer(
        lmtx.Encoder.load(folder), lmtx.Corpus.open("train.jsonl"), labels, teacher, folder="run", options=lmtx.TrainerOptions(cycles=2), budget=lmtx.Budget(100)
    )
    print(number, trainer.plan().judgments)
    try:
        return trainer.run(on_event=show)
    except lmtx.PairsOpen as error:
        print(error.pairs)
        raise


def measure(targets: list[list[int]], ranked: npt.NDArray[np.int64]) -> float:
    interval = lmtx.bootstrap_mean(lmtx.precision_per_document(targets, ranked, k=1))
    comparison = lmtx.compare_means([1.0], [0.5], seed=1)
    return interval.value + comparison.difference.low


def trust(teachers: list[lmtx.TeacherOracle], store: lmtx.JudgmentStore) -> lmtx.TeacherOracle:
    match = lmtx.match_gold(store, "gold.csv", teacher=teachers[0].identity())
    found: lmtx.Audit = match.audit(cut=0.6)
    reliability = lmtx.Reliability(sensitivity=found.recall.value, specificity=found.specificity.value)
    first = lmtx.CalibratedOracle(teachers[0], match.calibrate("platt"), store=store)
    flips = [result.flip_rate.high for result in lmtx.probe(first, "train.jsonl", ["tax"], pairs=10, store=Path("probes.db"))]
    kappa = lmtx.compare_verdicts(lmtx.read_verdicts("a.jsonl"), "b.jsonl").agreement.kappa.low
    scores: npt.NDArray[np.float64] = lmtx.Calibration.shift(match.scores, 0.1).apply(match.scores)
    combination = lmtx.Combination.votes([reliability] * 2, yes_rate=max(flips + [kappa, float(scores[0])]))
    return lmtx.CombinedOracle([first, teachers[1]], combination, store=store)


def main() -> None:
    tagger = lmtx.train(["a tax"], ["tax"], teacher=ask, base="model", budget=lmtx.Budget(judgments=10), progress=show, cycles=1)
    print(use_tagger(tagger), measure([[0]], np.array([[0]])), use_encoder(Path("model")), train(Path("model"), Keywords()))
