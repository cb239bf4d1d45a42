"""Training end to end, with teachers written in Python."""

import hashlib
import json
import shutil
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lmtx
import tiny


def run(model, out, fast, teacher=tiny.topic_answers, documents=None, labels=None, **keywords):
    documents = tiny.make_documents() if documents is None else documents
    return lmtx.train(documents, labels or tiny.TOPICS, teacher=teacher, base=model, out=out, progress=keywords.pop("progress", False), **fast, **keywords)


def weights(tagger):
    return hashlib.sha256((Path(tagger.report.tagger_folder) / "model.safetensors").read_bytes()).hexdigest()


NEXT = dict(zip(tiny.TOPICS, tiny.TOPICS[1:] + tiny.TOPICS[:1], strict=True))


def next_topic_answers(document, labels):
    """Has every label mean another topic's word, which no untouched encoder can know."""
    return [NEXT[label] in document.split() for label in labels]


def accuracy(tagger, teacher):
    """Share of unseen documents whose first tag the teacher confirms."""
    texts = [f"{d['title']}\t{d['content']}" for d in tiny.make_documents(40, seed=9)]
    return np.mean([teacher(text, [tags[0].label])[0] for text, tags in zip(texts, tagger.tag(texts, k=1), strict=True)])


class Counts:
    """Counts how often each pair was asked; fails once when told to."""

    def __init__(self, fail_at=None):
        self.asked, self.calls, self.fail_at = {}, 0, fail_at

    def ask(self, document, labels):
        self.calls += 1
        if self.calls == self.fail_at:
            raise ConnectionError("the line is down")
        for label in labels:
            self.asked[document, label] = self.asked.get((document, label), 0) + 1
        return tiny.topic_answers(document, labels)


def test_a_student_learns_what_only_the_teacher_knows(model, tmp_path, fast):
    fast |= {"epochs": 12, "cycles": 3, "use_all_judgments": True}
    tagger = run(model, tmp_path / "run", fast, teacher=next_topic_answers)
    labels = lmtx.LabelSet([lmtx.Label(topic, topic) for topic in tiny.TOPICS])
    untouched = lmtx.Tagger.from_labels(lmtx.Encoder.load(model), labels, settings=tagger.settings)
    assert accuracy(tagger, next_topic_answers) > accuracy(untouched, next_topic_answers) + 0.3
    assert tagger.report.cycles[-1].last_loss < tagger.report.cycles[0].first_loss
    assert (tmp_path / "run" / "tagger").samefile(tagger.report.tagger_folder)


def test_a_report_counts_and_prints(model, tmp_path, fast):
    report = run(model, tmp_path / "run", fast).report
    assert report.total.judgments == report.total.pairs_wanted - report.total.abstentions or report.total.from_store
    assert len(report.cycles) == 2 and 0 < report.total.yes_rate < 1
    assert f"{report.total.judgments:,}" in str(report)
    assert json.loads(report.to_json())
    assert repr(report).startswith("TrainingReport(2 cycles, ")
    assert lmtx.Tagger.load(report.tagger_folder).report is None


@pytest.fixture
def prompted(model, tmp_path):
    """The tiny encoder with the prompts of E5."""

    def write(default=None):
        folder = shutil.copytree(model, tmp_path / f"prompted-{default}")
        prompts = {"query": "study : ", "passage": "report : "}
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts, "default_prompt_name": default}))
        return folder

    return write


def check_folder_in_sentence_transformers(tagger, folder):
    """Documents by default, and labels by name, get the vectors that they have in the tagger."""
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(folder), device="cpu")
    settings = tagger.settings
    texts = [d["content"] for d in tiny.make_documents(10, seed=4)]
    documents = tagger.encoder.encode(texts, prompt=settings.document_prompt, max_length=settings.search_length, normalize=True)
    labels = tagger.encoder.encode(tiny.TOPICS, prompt=settings.label_prompt, max_length=settings.label_length, normalize=True)
    np.testing.assert_allclose(peer.encode(texts), documents, atol=1e-5)
    np.testing.assert_allclose(peer.encode_document(texts), documents, atol=1e-5)
    np.testing.assert_allclose(peer.encode(tiny.TOPICS, prompt_name="label"), labels, atol=1e-5)
    scores = [tag.score for tag in tagger.tag(texts[0], k=len(tiny.TOPICS))]
    np.testing.assert_allclose(scores, np.sort(documents[0] @ labels.T)[::-1], atol=1e-5)


def test_a_base_with_prompts_is_trained_and_tags_with_those_that_are_asked_for(prompted, tmp_path, fast):
    tagger = run(prompted(), tmp_path / "run", fast, document_prompt="study : ", label_prompt="report : ")
    assert (tagger.settings.document_prompt, tagger.settings.label_prompt) == ("study : ", "report : ")
    assert tagger.report.cycles[0].last_loss < tagger.report.cycles[0].first_loss
    check_folder_in_sentence_transformers(tagger, tagger.report.tagger_folder)
    assert lmtx.Encoder.load(tagger.report.student_folders[0]).default_prompt_name == "document"


def test_a_bases_default_prompt_goes_before_documents_and_labels(prompted, tmp_path, fast):
    tagger = run(prompted("query"), tmp_path / "run", fast)
    assert (tagger.settings.document_prompt, tagger.settings.label_prompt) == ("study : ", "study : ")
    check_folder_in_sentence_transformers(tagger, tagger.report.tagger_folder)
    with pytest.raises(ValueError, match="`document_prompt` is \"default\" there, but \"\" was given"):
        run(prompted("passage"), tmp_path / "run", fast, document_prompt="")


def test_prompts_that_a_base_only_offers_change_nothing(prompted, model, tmp_path, fast):
    offered, plain = run(prompted(), tmp_path / "offered", fast), run(model, tmp_path / "plain", fast)
    assert weights(offered) == weights(plain)
    assert offered.settings.document_prompt == ""
    notice = "The encoder has the prompts `passage`, `query`, but none by default: nothing is put before documents and labels."
    assert any(notice in line for line in offered.report.notices)
    assert not any("prompt" in line for line in plain.report.notices)


def test_documents_may_be_a_data_frame(model, tmp_path, fast):
    frame = pd.DataFrame(tiny.make_documents())
    assert weights(run(model, tmp_path / "a", fast, documents=frame)) == weights(run(model, tmp_path / "b", fast))


def test_a_finished_run_gives_its_result_without_asking(model, tmp_path, fast):
    teacher = Counts()
    first = run(model, tmp_path / "run", fast, teacher=teacher.ask, teacher_identity="counts/1")
    calls = teacher.calls
    again = run(model, tmp_path / "run", fast, teacher=teacher.ask, teacher_identity="counts/1")
    assert teacher.calls == calls
    assert weights(again) == weights(first) and again.report.to_json() == first.report.to_json()


def test_other_options_are_refused_by_name(model, tmp_path, fast):
    run(model, tmp_path / "run", fast)
    with pytest.raises(ValueError, match="epochs"):
        run(model, tmp_path / "run", fast | {"epochs": 3})


def test_an_exception_in_a_teacher_comes_out_with_its_traceback_and_loses_nothing(model, tmp_path, fast):
    teacher = Counts(fail_at=25)
    with pytest.raises(ConnectionError, match="the line is down") as caught:
        run(model, tmp_path / "run", fast, teacher=teacher.ask, teacher_identity="counts/1")
    assert "ask" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    tagger = run(model, tmp_path / "run", fast, teacher=teacher.ask, teacher_identity="counts/1")
    assert set(teacher.asked.values()) == {1}
    assert weights(tagger) == weights(run(model, tmp_path / "whole", fast))


@pytest.mark.parametrize("wrong", [lambda labels: [0.5], lambda labels: [float("nan")] * len(labels), lambda labels: [2.0] * len(labels)])
def test_a_wrong_answer_ends_the_run_naming_document_and_label(model, tmp_path, fast, wrong):
    with pytest.raises(ValueError, match=r"document 'd\d+'.* label"):
        run(model, tmp_path / "run", fast, teacher=lambda document, labels: wrong(labels), teacher_identity="wrong/1")


def test_a_shared_store_asks_nothing_twice(model, tmp_path, fast):
    teacher = Counts()
    for name in ("a", "b"):
        report = run(model, tmp_path / name, fast, teacher=teacher.ask, teacher_identity="counts/1", store=tmp_path / "judgments.db").report
    assert set(teacher.asked.values()) == {1}
    assert report.total.from_store > 0


def test_abstentions_are_counted_and_not_asked_again(model, tmp_path, fast):
    calls = []

    def ask(document, labels):
        calls.append(document)
        return [None if label == "tax" else label in document.split() for label in labels]

    report = run(model, tmp_path / "run", fast, teacher=ask, teacher_identity="shy/1").report
    assert report.total.abstentions > 0


def test_a_budget_is_kept(model, tmp_path, fast):
    teacher = Counts()
    report = run(model, tmp_path / "run", fast, teacher=teacher.ask, teacher_identity="counts/1", budget=lmtx.Budget(judgments=120)).report
    assert report.total.judgments == len(teacher.asked) <= 120


def test_nothing_is_made_or_asked_for_wrong_input(model, tmp_path, fast):
    teacher = Counts()
    wrong = [
        ({"documents": []}, ValueError, "no documents"),
        ({"epochs": 0}, ValueError, "`epochs`"),
        ({"no_such_option": 1}, ValueError, "no_such_option"),
        ({"preset": "best"}, ValueError, "paper"),
        ({"budget": lmtx.Budget(-1)}, ValueError, "judgments"),
    ]
    for change, error, text in wrong:
        options = {**fast, **{key: value for key, value in change.items() if key in ("epochs", "no_such_option", "preset")}}
        keywords = {key: value for key, value in change.items() if key not in options}
        with pytest.raises(error, match=text):
            run(model, tmp_path / "run", options, teacher=teacher.ask, teacher_identity="counts/1", **keywords)
    with pytest.raises(ValueError, match="no folder"):
        run(tmp_path / "no-model", tmp_path / "run", fast)
    assert teacher.calls == 0 and not (tmp_path / "run").exists()


def test_a_plan_is_an_upper_bound(model, tmp_path, fast):
    documents = lmtx.Corpus.from_documents([lmtx.Document(d["uid"], title=d["title"], content=d["content"]) for d in tiny.make_documents()])
    labels = lmtx.LabelSet([lmtx.Label(t, t) for t in tiny.TOPICS])
    teacher = lmtx.make_teacher(tiny.topic_answers)
    trainer = lmtx.CurriculumTrainer(lmtx.Encoder.load(model), documents, labels, teacher, folder=tmp_path / "run", options=lmtx.TrainerOptions(**fast))
    plan = trainer.plan()
    assert (plan.documents, plan.labels, plan.pairs_wanted) == (60, 12, 2 * 60 * 5)
    assert not (tmp_path / "run").exists()
    assert trainer.run().total.judgments <= plan.judgments


def test_events_tell_how_far_a_run_is(model, tmp_path, fast):
    events = []
    run(model, tmp_path / "run", fast, progress=events.append)
    training = [event for event in events if (event.kind, event.stage, event.cycle) == ("progress", "train", 1)]
    assert training[-1].done == training[-1].total > 0
    assert [event.done for event in training] == sorted(event.done for event in training)


def test_an_exception_in_the_callback_loses_nothing(model, tmp_path, fast):
    def fail(event):
        if event.stage == "train" and event.done > 3:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        run(model, tmp_path / "run", fast, progress=fail)
    assert weights(run(model, tmp_path / "run", fast)) == weights(run(model, tmp_path / "whole", fast))


def test_options_are_attributes_and_show():
    options = lmtx.TrainerOptions(cycles=3, dropout=False, learning_rate=1e-4)
    assert (options.cycles, options.dropout, options.learning_rate, options.batch_size) == (3, False, 1e-4, 128)
    assert options.to_dict()["yes_above"] == 0.5
    assert "cycles=3" in repr(options) and options != lmtx.TrainerOptions()
    with pytest.raises(AttributeError, match="no option 'epoch'"):
        options.epoch
    with pytest.raises(ValueError, match="epochs"):
        lmtx.TrainerOptions(epoch=3)
    assert "paper" in lmtx.preset_names()


def test_a_run_tells_how_long_its_stages_took(model, tmp_path, fast):
    events = []
    run(model, tmp_path / "run", fast | {"cycles": 1, "development": 6}, progress=events.append)
    stages = [event for event in events if event.kind == "stage"]
    assert [(event.cycle, event.stage) for event in stages] == [
        (-1, "tokenize"),
        *[(0, stage) for stage in ("embed labels", "embed documents", "embed documents", "ask", "train", "save student", "embed labels", "embed documents", "ask")],
        (-1, "save tagger"),
    ]
    assert all(event.seconds > 0 for event in stages)
    assert all(event.seconds == 0 for event in events if event.kind != "stage")
    assert repr(stages[0]).startswith("Event(stage, tokenize: 0.")
