"""Async and batch functions as teachers: kept as they come, exactly once, and nothing paid for is lost."""

import asyncio
import collections
import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

import lmtx
import tiny
from runs import environment


def questions(count, labels=3):
    named = [lmtx.Label(f"l-{topic}", topic, description=f"about {topic}") for topic in tiny.TOPICS[:labels]]
    return [lmtx.Question(lmtx.Document(d["uid"], title=d["title"], content=d["content"]), named) for d in tiny.make_documents(count)]


def answers_of(asked):
    return [float(label in asked.text.split()) for label in (label.name for label in asked.labels)]


class Sink:
    """Keeps what is put, as a run's sink does; `stop` is asked for after so many puts."""

    def __init__(self, stop_after=None):
        self.put_answers, self.times, self.stop_after, self.lock = collections.defaultdict(list), [], stop_after, threading.Lock()

    def put(self, question, verdicts, *, usage=None, raw=""):
        with self.lock:
            self.put_answers[question.uid].append(list(verdicts))
            self.times.append(time.monotonic())

    @property
    def stop_requested(self):
        return self.stop_after is not None and len(self.times) >= self.stop_after


class Counts:
    """Of calls: how many there were, and how many at once."""

    def __init__(self):
        self.running = self.most = 0
        self.documents = collections.Counter()
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def call(self, document):
        with self.lock:
            self.documents[document] += 1
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1


def async_teacher(counts, concurrency=4, seconds=0.01, fails=lambda document: False):
    async def ask(document, labels):
        with counts.call(document):
            await asyncio.sleep(seconds)
            if fails(document):
                raise ConnectionError(f"the line is down for {document}")
            return tiny.topic_answers(document, labels)

    return lmtx.teachers.concurrent(ask, concurrency=concurrency, identity="async/1")


def test_an_async_function_is_called_about_several_documents_at_once_and_no_more():
    counts, sink, asked = Counts(), Sink(), questions(40)
    async_teacher(counts, concurrency=4).judge(asked, sink)
    assert counts.most == 4
    assert dict(sink.put_answers) == {question.uid: [answers_of(question)] for question in asked}
    assert set(counts.documents.values()) == {1}


def test_a_run_with_an_async_teacher_ends_with_the_same_bytes(model, tmp_path, fast):
    def run(teacher, out):
        tagger = lmtx.train(tiny.make_documents(30), tiny.TOPICS, teacher=teacher, base=model, out=tmp_path / out, progress=False, **fast)
        return (Path(tagger.report.tagger_folder) / "model.safetensors").read_bytes()

    counts = Counts()
    assert run(async_teacher(counts), "async") == run(tiny.topic_answers, "plain")
    assert counts.most > 1


async def ask_async(document: str, labels: list[str]) -> list[bool]:
    return tiny.topic_answers(document, labels)


class AsyncObject:
    async def __call__(self, document, labels):
        return tiny.topic_answers(document, labels)


def test_async_functions_are_known_by_themselves_and_named_by_their_source():
    teacher = lmtx.make_teacher(ask_async)
    assert isinstance(teacher, lmtx.teachers.ConcurrentTeacher)
    assert teacher.identity() == lmtx.callable_identity(ask_async) == lmtx.teachers.concurrent(ask_async, concurrency=99).identity()
    assert isinstance(lmtx.make_teacher(AsyncObject(), "object/1"), lmtx.teachers.ConcurrentTeacher)
    with pytest.raises(ValueError, match="is an object of type AsyncObject.*pass teacher_identity="):
        lmtx.make_teacher(AsyncObject())


def test_answers_are_kept_as_they_come():
    sink = Sink()

    async def ask(document, labels):
        await asyncio.sleep(0.5 if document == slow else 0.01)
        return [True] * len(labels)

    asked = questions(20)
    slow = asked[0].text
    lmtx.teachers.concurrent(ask, concurrency=4, identity="a/1").judge(asked, sink)
    assert list(sink.put_answers)[-1] == asked[0].uid and sink.times[-1] - sink.times[-2] > 0.2


def test_after_a_failure_nothing_starts_and_what_was_in_flight_is_kept(model, tmp_path):
    counts, sink, asked = Counts(), Sink(), questions(40)
    failing = asked[5].text
    with pytest.raises(ConnectionError, match="the line is down for"):
        async_teacher(counts, concurrency=4, fails=lambda document: document == failing).judge(asked, sink)
    assert len(counts.documents) < 40
    # Every document that was asked about but for the failing one has its answer, once.
    assert {question.uid for question in asked if question.text in counts.documents and question.text != failing} == set(sink.put_answers)
    assert {len(puts) for puts in sink.put_answers.values()} == {1}


def test_what_was_answered_before_a_failure_is_not_asked_again(model, tmp_path, fast):
    counts, broken = Counts(), True
    documents = tiny.make_documents(30)
    failing = "{title}\t{content}".format(**documents[17])

    def run():
        teacher = async_teacher(counts, fails=lambda document: broken and document == failing)
        return lmtx.train(documents, tiny.TOPICS, teacher=teacher, base=model, out=tmp_path / "run", progress=False, **{**fast, "cycles": 1})

    with pytest.raises(ConnectionError):
        run()
    first, broken = dict(counts.documents), False
    run()
    assert first and first[failing] == 1
    assert {document: count for document, count in counts.documents.items() if document in first and document != failing} == {
        d: 1 for d in first if d != failing
    }
    assert counts.documents[failing] == 2 and len(counts.documents) == 30


def test_failed_verdicts_are_asked_again_and_the_others_are_not(model, tmp_path, fast):
    counts = Counts()

    async def ask(document, labels):
        with counts.call(document):
            await asyncio.sleep(0)
            if counts.documents[document] == 1 and len(document) % 3 == 0:
                return [lmtx.Verdict.fail("timeout")] * len(labels)
            return tiny.topic_answers(document, labels)

    teacher = lmtx.teachers.concurrent(ask, identity="shaky/1")
    lmtx.train(tiny.make_documents(30), tiny.TOPICS, teacher=teacher, base=model, out=tmp_path / "run", progress=False, **{**fast, "cycles": 1})
    assert all(count == (2 if len(document) % 3 == 0 else 1) for document, count in counts.documents.items())
    assert max(counts.documents.values()) == 2


def test_a_stop_lets_no_call_start_and_gives_those_in_flight_a_moment():
    counts, sink = Counts(), Sink(stop_after=8)
    started = time.monotonic()
    async_teacher(counts, concurrency=4, seconds=0.05).judge(questions(40), sink)
    assert 8 <= sum(map(len, sink.put_answers.values())) == len(counts.documents) <= 12
    hangs, sink = Counts(), Sink(stop_after=0)
    sink.stop_after = None
    teacher = async_teacher(hangs, concurrency=4, seconds=3600)
    judging = threading.Thread(target=teacher.judge, args=(questions(8), sink))
    judging.start()
    while hangs.running < 4:
        time.sleep(0.01)
    sink.stop_after = 0
    judging.join(10)
    assert not judging.is_alive() and time.monotonic() - started < 10
    assert not sink.put_answers and hangs.running == 0  # Cancelled, not left behind.


def test_a_function_that_would_end_the_program_ends_the_run():
    async def ask(document, labels):
        raise SystemExit("enough")

    with pytest.raises(lmtx.TeacherError, match="the teacher raised SystemExit"):
        lmtx.teachers.concurrent(ask, identity="a/1").judge(questions(3), Sink())


def test_the_loop_is_the_same_from_call_to_call_and_works_inside_another():
    loops = set()

    async def ask(document, labels):
        loops.add(asyncio.get_running_loop())
        return [True] * len(labels)

    teacher = lmtx.teachers.concurrent(ask, identity="a/1")

    async def notebook(teacher):
        teacher.judge(questions(3), Sink())
        teacher.judge(questions(3), Sink())

    asyncio.run(notebook(teacher))
    teacher.judge(questions(3), Sink())
    assert len(loops) == 1
    [loop] = loops
    gone = weakref.ref(teacher)
    del teacher
    gc.collect()
    deadline = time.monotonic() + 10
    while not loop.is_closed() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert gone() is None and loop.is_closed()


def test_an_async_teacher_works_in_a_forked_child():
    teacher = lmtx.teachers.concurrent(ask_async)
    teacher.judge(questions(2), Sink())
    child = os.fork()
    if child == 0:
        sink = Sink()
        teacher.judge(questions(2), sink)
        os._exit(len(sink.put_answers))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


def test_plain_functions_are_called_from_several_threads(model, tmp_path, fast):
    counts = Counts()

    def ask(document, labels):
        with counts.call(document):
            time.sleep(0.02)
            return tiny.topic_answers(document, labels)

    teacher = lmtx.teachers.concurrent(ask, concurrency=3, identity="threads/1")
    lmtx.train(tiny.make_documents(30), tiny.TOPICS, teacher=teacher, base=model, out=tmp_path / "run", progress=False, **{**fast, "cycles": 1})
    assert 1 < counts.most <= 3
    assert set(counts.documents.values()) == {1}


def test_ctrl_c_ends_a_run_with_an_async_teacher_and_nothing_is_asked_twice(model, data, tmp_path):
    (tmp_path / "slow.py").write_text(
        "import asyncio, tiny\n"
        "async def ask(document, labels):\n"
        "    await asyncio.sleep(0.2)\n"
        "    with open('asked', 'a') as asked:\n"
        "        print(hash_of(document), file=asked)\n"
        "    return tiny.topic_answers(document, labels)\n"
        "def hash_of(text):\n"
        "    import hashlib\n"
        "    return hashlib.sha256(text.encode()).hexdigest()\n"
    )
    settings = ["--set", "cycles=1", "--set", "epochs=1", "--set", "batch_size=10", "--set", "development=0", "--preset", "paper"]
    command = [sys.executable, "-m", "lmtx", "train", str(data), "--base", str(model), "--teacher", "python:slow:ask", "--out", "run", *settings]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment())
    while not (tmp_path / "asked").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - sent < 5, errors
    first = (tmp_path / "asked").read_text().splitlines()
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment())
    asked = collections.Counter((tmp_path / "asked").read_text().splitlines())
    assert 0 < len(first) < 60 == len(asked)
    assert set(asked.values()) == {1}


def batch_teacher(calls, **options):
    def ask(asked):
        calls.append(len(asked))
        return [tiny.topic_answers(document, labels) for document, labels in asked]

    return lmtx.teachers.batch(ask, identity="batch/1", **options)


def test_a_batch_function_gets_so_many_questions_and_the_run_ends_with_the_same_bytes(model, tmp_path, fast):
    calls = []

    def run(teacher, out):
        tagger = lmtx.train(tiny.make_documents(30), tiny.TOPICS, teacher=teacher, base=model, out=tmp_path / out, progress=False, **fast)
        return (Path(tagger.report.tagger_folder) / "model.safetensors").read_bytes()

    assert run(batch_teacher(calls, questions_per_call=8), "batch") == run(tiny.topic_answers, "plain")
    assert calls[:4] == [8, 8, 8, 6]


def test_a_batch_function_that_yields_has_each_answer_kept_at_once():
    sink, seen = Sink(), []

    def ask(asked):
        for document, labels in asked:
            seen.append(len(sink.put_answers))
            if len(seen) == 5:
                raise ConnectionError("the line is down")
            yield tiny.topic_answers(document, labels)

    with pytest.raises(ConnectionError, match="the line is down"):
        lmtx.teachers.batch(ask, identity="b/1").judge(questions(8), sink)
    assert seen == [0, 1, 2, 3, 4] and list(sink.put_answers) == [question.uid for question in questions(4)]


@pytest.mark.parametrize(
    ("change", "came"), [(lambda answers: answers[:-1], "gave 2"), (lambda answers: [*answers, []], "gave more"), (lambda answers: [], "gave 0")]
)
def test_a_batch_of_another_length_is_refused_and_what_fits_is_kept(change, came):
    sink = Sink()
    teacher = lmtx.teachers.batch(lambda asked: change([tiny.topic_answers(*one) for one in asked]), identity="b/1")
    with pytest.raises(ValueError, match=f"was asked 3 questions and must give a list of answers for each, but {came} instead"):
        teacher.judge(questions(3), sink)
    assert len(sink.put_answers) == {"gave 2": 2, "gave more": 3, "gave 0": 0}[came]


def test_functions_that_want_descriptions_get_them(model, tmp_path):
    labels, seen = [{"uid": f"l-{t}", "title": t, "description": f"about {t}"} for t in tiny.TOPICS], []

    def plain(document, labels, descriptions):
        seen.append(("plain", dict(zip(labels, descriptions, strict=True))))
        return tiny.topic_answers(document, labels)

    async def gets(document, labels, descriptions):
        seen.append(("async", dict(zip(labels, descriptions, strict=True))))
        return tiny.topic_answers(document, labels)

    def batch(asked, descriptions):
        seen.extend(("batch", dict(zip(names, of, strict=True))) for (_, names), of in zip(asked, descriptions, strict=True))
        return [tiny.topic_answers(*one) for one in asked]

    for i, teacher in enumerate([lmtx.make_teacher(plain, "p/1"), lmtx.make_teacher(gets, "a/1"), lmtx.teachers.batch(batch, identity="b/1")]):
        options = {"cycles": 1, "epochs": 1, "development": 0, "batch_size": 4}
        lmtx.train(tiny.make_documents(4), labels, teacher=teacher, base=model, out=tmp_path / str(i), progress=False, preset="paper", **options)
    assert {kind for kind, _ in seen} == {"plain", "async", "batch"}
    assert all(description == f"about {name}" for _, described in seen for name, description in described.items())


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`concurrency` must be 1 or more, but is 0 instead"):
        lmtx.teachers.concurrent(ask_async, concurrency=0)
    with pytest.raises(ValueError, match="`questions_per_call` must be 0 .all there are. or more, but is -1 instead"):
        lmtx.teachers.batch(tiny.topic_answers, questions_per_call=-1)
    with pytest.raises(TypeError, match=r"must be a plain function of a list of questions.*lmtx\.teachers\.concurrent takes async ones"):
        lmtx.teachers.batch(ask_async)
    with pytest.raises(TypeError, match="must be a function ask"):
        lmtx.teachers.concurrent("ask")
