"""Teachers written in Python, and what they may answer."""

import functools
import gc
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

import lmtx
import tiny
from lmtx.teachers import callable_identity, source_change_notice


def question(*labels, uid="d1"):
    return lmtx.Question(lmtx.Document(uid, title="a title", content="a text"), [lmtx.Label(f"l-{label}", label) for label in labels])


def identity_of(teacher):
    return lmtx.make_teacher(teacher).identity()


def test_a_function_is_named_by_module_name_and_source():
    name, _, digest = callable_identity(tiny.topic_answers).rpartition("/")
    assert name == "tiny:topic_answers"
    assert len(digest) == 16 and callable_identity(tiny.topic_answers) == identity_of(tiny.topic_answers)


class Teacher:
    def ask(self, document, labels):
        return [True] * len(labels)

    __call__ = ask


def closure(threshold):
    def ask(document, labels):
        return [threshold] * len(labels)

    return ask


@pytest.mark.parametrize(
    ("teacher", "what"),
    [
        (lambda document, labels: [], "is a lambda"),
        (Teacher().ask, r"is the bound method Teacher\.ask"),
        (Teacher(), "is an object of type Teacher"),
        (functools.partial(tiny.topic_answers), "is an object of type partial"),
        (closure(0.5), r"uses variables of the function around it \(threshold\)"),
    ],
)
def test_what_has_no_telling_source_needs_a_name(teacher, what):
    with pytest.raises(ValueError, match=what + ".*pass teacher_identity="):
        lmtx.make_teacher(teacher)
    assert lmtx.make_teacher(teacher, "mine/1").identity() == "mine/1"


def test_what_is_no_teacher_is_refused():
    with pytest.raises(TypeError, match="must be a function ask"):
        lmtx.make_teacher(3)
    with pytest.raises(ValueError, match=r"must be recorded:FILE, python:module:function, .* human\[:NAME\].*, but is 'gpt' instead"):
        lmtx.make_teacher("gpt")
    with pytest.raises(ValueError, match="cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"):
        lmtx.make_teacher("python:no_such_module:ask")
    with pytest.raises(ValueError, match="has no no_such_function"):
        lmtx.make_teacher("python:tiny:no_such_function")


def test_a_function_is_found_by_its_name():
    assert identity_of("python:tiny:topic_answers") == identity_of(tiny.topic_answers)


@pytest.fixture
def store(tmp_path):
    return lmtx.JudgmentStore.open(tmp_path / "judgments.db")


def test_a_store_keeps_what_it_was_given(store):
    asked = question("tax", "army", "water", "trade")
    store.put("me/1", asked, [0.25, None, True, lmtx.Verdict.fail("no answer")], run="r", usage=lmtx.Usage(prompt_tokens=7))
    kept = store.find("me/1", asked)
    assert [judgment and judgment.verdict.kind for judgment in kept] == ["scored", "abstained", "scored", None]
    assert [kept[0].verdict.value, kept[1].verdict.value, kept[2].verdict.value] == [0.25, None, 1.0]
    assert kept[0].run == "r"
    assert store.find("me/2", asked) == [None] * 4
    assert (len(store), store.size("me/1"), store.identities()) == (3, 3, ["me/1"])


def test_a_store_is_exported_as_a_recording(store, tmp_path):
    store.put("me/1", question("tax", "army"), [0.25, None])
    store.export_recording("me/1", tmp_path / "recording.jsonl")
    recording = lmtx.RecordedOracle.open(tmp_path / "recording.jsonl")
    assert (recording.identity(), recording.documents(), len(recording)) == ("me/1", ["d1"], 2)


@pytest.mark.parametrize("answer", [1, 0, True, False, 0.5, np.float32(0.5), np.float64(1), np.bool_(True), np.int64(0)])
def test_numbers_of_all_kinds_are_scores(store, answer):
    store.put("me/1", question("tax"), [answer])
    assert store.find("me/1", question("tax"))[0].verdict.value == float(answer)


@pytest.mark.parametrize("answer", [float("nan"), 1.5, -0.1, float("inf"), "yes", "0.5", b"1", [1], object])
def test_what_is_no_score_is_refused_naming_document_and_label(store, answer):
    with pytest.raises(ValueError, match=r"the teacher's answer for document 'd1' and label 'army' must be a score in \[0, 1\], a boolean or None, but is .* instead\."):
        store.put("me/1", question("tax", "army"), [0.5, answer])


@pytest.mark.parametrize(("answers", "came"), [([1], r"there are 1 \(labels: tax, army\)"), (3, "came as 3"), ("no", "came as 'no'"), (None, "came as None")])
def test_a_list_of_another_length_is_refused_naming_document_and_labels(store, answers, came):
    with pytest.raises(ValueError, match=rf"the teacher's answers for document 'd1' must be one a label, 2, but {came} instead\."):
        store.put("me/1", question("tax", "army"), answers)


def test_verdicts_compare_and_show():
    assert lmtx.Verdict.score(1) == lmtx.Verdict.yes() != lmtx.Verdict.no()
    assert hash(lmtx.Verdict.abstain()) == hash(lmtx.Verdict.abstain())
    assert [repr(v) for v in (lmtx.Verdict.score(0.5), lmtx.Verdict.abstain(), lmtx.Verdict.fail("why"))] == ["Verdict.score(0.5)", "Verdict.abstain()", "Verdict.fail('why')"]
    with pytest.raises(ValueError):
        lmtx.Verdict.score(2)


class Remembers(lmtx.TeacherOracle):
    """Answers in parts, and keeps what it was given."""

    def __init__(self):
        super().__init__()
        self.questions, self.sinks = [], []

    def identity(self):
        return "remembers/1"

    def judge(self, questions, answers):
        self.questions += questions
        self.sinks.append(answers)
        for asked in questions:
            verdicts = tiny.topic_answers(asked.text, [label.name for label in asked.labels])
            half = len(asked) // 2
            answers.put(asked.part(range(half)), verdicts[:half])
            answers.put(asked.part(range(half, len(asked))), verdicts[half:], usage=lmtx.Usage(seconds=0.1))

    def traits(self):
        return lmtx.TeacherTraits(questions_per_call=7)


def run(teacher, model, out, fast, documents=30, **keywords):
    return lmtx.train(tiny.make_documents(documents), tiny.TOPICS, teacher=teacher, base=model, out=out, progress=False, **fast, **keywords)


def test_a_teacher_may_be_a_subclass_and_keep_its_questions(model, tmp_path, fast):
    teacher = Remembers()
    tagger = run(teacher, model, tmp_path / "run", fast)
    assert tagger.report.teacher == "remembers/1"
    assert tagger.report.total.judgments == sum(map(len, teacher.questions))
    assert teacher.questions[0].document.title and teacher.questions[0].labels[0].name in tiny.TOPICS
    with pytest.raises(ValueError, match=r"answers came after judge\(\) had returned"):
        teacher.sinks[0].put(teacher.questions[0].part([0]), [True])
    assert teacher.sinks[0].stop_requested


class Concurrent(lmtx.TeacherOracle):
    """Asked by several threads at once; each answers some of its questions from a thread of its own."""

    def __init__(self):
        super().__init__()
        self.threads, self.running, self.most, self.lock = set(), 0, 0, threading.Lock()

    def identity(self):
        return "concurrent/1"

    def traits(self):
        return lmtx.TeacherTraits(questions_per_call=2, concurrent_calls=4)

    def judge(self, questions, answers):
        with self.lock:
            self.threads.add(threading.get_ident())
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.02)
        workers = [threading.Thread(target=self.answer, args=(asked, answers)) for asked in questions]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        with self.lock:
            self.running -= 1

    def answer(self, asked, answers):
        answers.put(asked, tiny.topic_answers(asked.text, [label.name for label in asked.labels]))


def test_a_teacher_may_be_asked_by_several_threads_with_the_same_result(model, tmp_path, fast):
    teacher = Concurrent()
    together = run(teacher, model, tmp_path / "together", fast)
    assert 1 < teacher.most <= 4
    alone = run(tiny.topic_answers, model, tmp_path / "alone", fast)
    files = [Path(tagger.report.tagger_folder) / "model.safetensors" for tagger in (together, alone)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_exception_on_another_thread_comes_out(model, tmp_path, fast):
    class Fails(Concurrent):
        def judge(self, questions, answers):
            raise ConnectionError("the line is down")

    with pytest.raises(ConnectionError, match="the line is down"):
        run(Fails(), model, tmp_path / "run", fast)


def test_pairs_that_stay_open_stop_the_run_and_are_asked_next_time(model, tmp_path, fast):
    class Offline(Remembers):
        ready = False

        def judge(self, questions, answers):
            if self.ready:
                super().judge(questions, answers)

    teacher = Offline()
    with pytest.raises(lmtx.PairsOpen) as caught:
        run(teacher, model, tmp_path / "run", fast)
    assert caught.value.pairs == 30 * 5 and isinstance(caught.value, lmtx.TeacherError)
    teacher.ready = True
    assert run(teacher, model, tmp_path / "run", fast).report.total.judgments > 0


def test_a_teacher_that_cannot_go_on_says_so(model, tmp_path, fast):
    class Broke(Remembers):
        def judge(self, questions, answers):
            raise lmtx.TeacherError("no credit left")

    with pytest.raises(lmtx.TeacherError, match="no credit left"):
        run(Broke(), model, tmp_path / "run", fast)


def test_a_teacher_may_tag_while_it_judges(model, tmp_path, fast):
    encoder = lmtx.Encoder.load(model)

    def ask(document, labels):
        return [float(score) for score in (encoder.encode(labels) @ encoder.encode(document) + 1).clip(0, 2) / 2]

    assert run(ask, model, tmp_path / "run", fast, teacher_identity="self/1").report.total.judgments > 0


def test_a_subclass_survives_while_a_trainer_has_it(model, tmp_path, fast):
    teacher = Remembers()
    seen = weakref.ref(teacher)
    labels, documents = lmtx.LabelSet([lmtx.Label(t, t) for t in tiny.TOPICS]), lmtx.Corpus.from_documents([lmtx.Document("a", content="tax army")] * 1)
    trainer = lmtx.CurriculumTrainer(lmtx.Encoder.load(model), documents, labels, teacher, folder=tmp_path / "run", options=lmtx.TrainerOptions(**fast))
    del teacher
    gc.collect()
    assert seen() is not None
    trainer.run()
    assert seen().questions
    del trainer
    gc.collect()
    assert seen() is None


def test_a_subclass_without_judge_says_so(model, tmp_path, fast):
    class Half(lmtx.TeacherOracle):
        def identity(self):
            return "half/1"

    with pytest.raises(TypeError, match=r"a subclass of TeacherOracle must have a method judge\(\)"):
        run(Half(), model, tmp_path / "run", fast)


def test_a_scripted_teacher_remembers_what_it_was_asked(model, tmp_path, fast):
    texts = {d["uid"]: d["content"].split() for d in tiny.make_documents(30)}
    teacher = lmtx.ScriptedOracle(lambda document, label: label in texts[document], skip_every=5)
    report = run(teacher, model, tmp_path / "run", fast).report
    asked = teacher.asked()
    assert len(asked) == report.total.judgments
    assert max(asked.values()) <= 2


def test_a_recording_shows_what_it_holds(data):
    recording = lmtx.RecordedOracle.open(data / "verdicts.jsonl")
    assert repr(recording) == "RecordedOracle(identity='perfect/1', 720 pairs)"
    assert recording.documents()[:2] == ["d0", "d1"]


def test_a_changed_source_is_noticed_with_its_price(tmp_path, store):
    store.put("tiny:topic_answers/0123456789abcdef", question("tax", "army"), [1, 0])
    notice = source_change_notice(callable_identity(tiny.topic_answers), tmp_path / "judgments.db")
    assert notice.startswith("The source of the teacher tiny:topic_answers has changed: 2 judgments")
    assert "teacher_identity='tiny:topic_answers/0123456789abcdef'" in notice
    assert source_change_notice("tiny:topic_answers/0123456789abcdef", tmp_path / "judgments.db") is None
    assert source_change_notice("mine/1", tmp_path / "judgments.db") is None
    assert source_change_notice("tiny:other/0123456789abcdef", tmp_path / "none.db") is None
