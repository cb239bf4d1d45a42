"""Teachers that answer later, through files, and those that answered before, out of a store."""

import gzip
import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest

import lmtx
import tiny
from test_cli import FAST, lmtx_command, refusal


def answer(request: dict, error: bool = False) -> dict:
    """What a provider makes of a line: the perfect teacher's answer."""
    prompt = request["body"]["messages"][-1]["content"]
    document = prompt.split("<document>\n")[1].split("\n</document>")[0]
    label = prompt.split("\nTag: ")[1].split("\n")[0]
    text = "yes" if tiny.topic_answers(document, [label])[0] else "no"
    if error:
        return {"custom_id": request["custom_id"], "response": None, "error": {"message": "expired"}}
    body = {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": {"prompt_tokens": 50, "completion_tokens": 1}}
    return {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


def lines_in(folder: Path) -> list[dict]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def provide(folder: Path, output: Path, failing: float = 0.0, seed: int = 0) -> list[Path]:
    """Answers what is open in random order, in two files, one of them packed."""
    draw = random.Random(seed)
    answered = {line["custom_id"] for line in lines_in(folder / "answers") if not line["error"]}
    requests = list({request["custom_id"]: request for request in lines_in(folder / "requests")}.values())
    lines = [answer(request, error=draw.random() < failing) for request in requests if request["custom_id"] not in answered]
    draw.shuffle(lines)
    output.mkdir(exist_ok=True)
    files = [output / f"out-{seed}-a.jsonl", output / f"out-{seed}-b.jsonl.gz"]
    texts = ["".join(json.dumps(line) + "\n" for line in lines[i::2]) for i in range(2)]
    files[0].write_text(texts[0])
    files[1].write_bytes(gzip.compress(texts[1].encode()))
    return [file for file, text in zip(files, texts, strict=True) if text]


def model_of(run: Path) -> dict[str, bytes]:
    return {str(file.relative_to(run)): file.read_bytes() for file in sorted((run / "tagger").rglob("*")) if file.is_file()}


def online(document: str, labels: list[str]) -> list[bool]:
    return tiny.topic_answers(document, labels)


@pytest.fixture
def arguments(model, data, fast):
    return {"documents": data / "train.jsonl", "labels": data / "labels.jsonl", "base": model, "progress": False, **fast}


def test_a_run_through_batch_files_gives_the_model_of_a_run_that_was_answered_at_once(arguments, tmp_path):
    folder = tmp_path / "batch"
    opened = []
    for turn in range(20):
        teacher = lmtx.teachers.batch_file(folder, "tiny", top_logprobs=0)
        try:
            lmtx.train(teacher=teacher, out=tmp_path / "run", **arguments)
            break
        except lmtx.PairsOpen as error:
            opened.append((error.pairs, str(error)))
        for file in provide(folder, tmp_path / "output", failing=0.2, seed=turn):
            lmtx.import_batch_answers(folder, file)
    assert opened and all(f"Their requests are in {folder}/requests" in message for _, message in opened)
    status = lmtx.batch_status(folder)
    assert status.requests == status.answered == len({line["custom_id"] for line in lines_in(folder / "requests")})
    assert (status.failed, status.open, status.unknown) == (0, 0, 0)

    identity = teacher.identity()
    lmtx.train(teacher=online, teacher_identity=identity, out=tmp_path / "online", **arguments)
    assert model_of(tmp_path / "run") == model_of(tmp_path / "online")


def test_batches_and_a_server_share_their_judgments(tmp_path):
    options = {"prompt": lmtx.Prompt(task="Tags are subjects of laws."), "top_logprobs": 5}
    teacher = lmtx.teachers.batch_file(tmp_path / "batch", "tiny", **options)
    assert teacher.identity() == lmtx.ChatProtocol("tiny", **options).identity
    assert teacher.folder == tmp_path / "batch"
    assert teacher.protocol.prompt.task == "Tags are subjects of laws."
    question = lmtx.Question(lmtx.Document("d1", content="A tax on tea."), [lmtx.Label("l1", "tax")])
    assert lmtx.teachers.batch_file(tmp_path / "batch", "tiny", prompt_price=1e6).estimate(question).cost > 10
    assert not (tmp_path / "batch").exists()


def custom_id(identity: str, document: lmtx.Document, *labels: lmtx.Label) -> str:
    """As docs/formats/batch.md says."""
    parts = ["batch 1", identity, document.title, document.content, *(text for label in labels for text in (label.name, label.description))]
    encoded = [part.encode() for part in parts]
    return hashlib.blake2b(b"".join(len(part).to_bytes(8, "little") + part for part in encoded), digest_size=16).hexdigest()


def test_requests_are_named_by_what_they_ask(arguments, data, tmp_path):
    teacher = lmtx.teachers.batch_file(tmp_path / "batch", "tiny")
    with pytest.raises(lmtx.PairsOpen):
        lmtx.train(teacher=teacher, out=tmp_path / "run", **arguments)
    labels = list(lmtx.LabelSet.open(data / "labels.jsonl"))
    possible = {custom_id(teacher.identity(), document, label) for document in lmtx.Corpus.open(data / "train.jsonl") for label in labels}
    written = [line["custom_id"] for line in lines_in(tmp_path / "batch" / "requests")]
    assert len(written) == 300 == len(set(written))
    assert set(written) <= possible


def test_a_replay_gives_the_same_model_without_the_teacher(arguments, data, tmp_path):
    lmtx.train(teacher=f"recorded:{data / 'verdicts.jsonl'}", out=tmp_path / "run", **arguments)
    shutil.copy(tmp_path / "run" / "judgments.db", tmp_path / "kept.db")
    before = (tmp_path / "kept.db").read_bytes()
    for spec in (lmtx.teachers.replay(tmp_path / "kept.db"), f"replay:{tmp_path / 'kept.db'}", f"replay:{tmp_path / 'kept.db'}#perfect/1"):
        shutil.rmtree(tmp_path / "again", ignore_errors=True)
        lmtx.train(teacher=spec, out=tmp_path / "again", **arguments)
        assert model_of(tmp_path / "again") == model_of(tmp_path / "run")
    assert (tmp_path / "kept.db").read_bytes() == before
    with pytest.raises(ValueError, match=r"kept.db: no judgments by `other/1`; it has those of `perfect/1`\."):
        lmtx.teachers.replay(tmp_path / "kept.db", "other/1")


def test_the_command_line_goes_through_batches(model, data, tmp_path):
    folder = tmp_path / "batch"
    train = ["train", data, "--base", model, "--teacher", f"batch:{folder}#tiny?top_logprobs=0&task=Tags%20of%20laws", "--out", tmp_path / "run", *FAST]
    for turn in range(20):
        result = lmtx_command(*train)
        if result.returncode == 0:
            break
        assert result.returncode == 1 and "Traceback" not in result.stderr
        assert f"put the answers into {folder}/answers (lmtx batch import {folder} FILE), and run the same command again." in result.stderr.splitlines()[-1]
        files = provide(folder, tmp_path / "output", failing=0.3 if turn == 0 else 0.0, seed=turn)
        imported = lmtx_command("batch", "import", folder, *files)
        assert imported.returncode == 0, imported.stderr
        assert f"{files[0]}: " in imported.stdout and " answers" in imported.stdout
        assert turn > 0 or (", and writes what failed once more." in imported.stdout and " errors; now " in imported.stdout)
        again = json.loads(lmtx_command("batch", "import", folder, *files, "--json").stdout)
        assert all(file["known"] for file in again["files"]) and again["open"] == 0
    assert "Tags of laws" in lines_in(folder / "requests")[0]["body"]["messages"][0]["content"]
    status = json.loads(lmtx_command("batch", "status", folder, "--json").stdout)
    assert status["requests"] == status["answered"] > 100
    assert f"{status['requests']:,} requests in " in lmtx_command("batch", "status", folder).stdout


def test_wrong_words_and_files_are_refused_in_one_line(model, data, tmp_path):
    def train(spec):
        return refusal("train", data, "--base", model, "--teacher", spec, "--out", tmp_path / "run", *FAST)

    assert train("batch:folder").startswith("the teacher must be batch:FOLDER#MODEL")
    assert "the teacher batch has no option 'colour'; it has answer, answer_tokens," in train(f"batch:{tmp_path}#m?colour=red")
    few = train(f"batch:{tmp_path}#m?labels_per_prompt=few")
    assert few == "the option labels_per_prompt of the teacher batch must be a whole number, but is 'few' instead."
    assert "the option chat of the teacher batch must be true or false" in train(f"batch:{tmp_path}#m?chat=maybe")
    assert "missing.db" in train(f"replay:{tmp_path / 'missing.db'}")
    assert "expected a folder of batches" in refusal("batch", "status", tmp_path)
    (tmp_path / "batch" / "requests").mkdir(parents=True)
    (tmp_path / "bad.jsonl").write_text('{"custom_id": "x", "response": 7}\n')
    assert f"{tmp_path / 'bad.jsonl'}:1: `response` must be an object" in refusal("batch", "import", tmp_path / "batch", tmp_path / "bad.jsonl")
    (tmp_path / "other.jsonl").write_text('{"custom_id": "x", "response": {"body": {}}}\n')
    assert "none of its 1 lines answers a request in" in refusal("batch", "import", tmp_path / "batch", tmp_path / "other.jsonl")
    assert not (tmp_path / "missing.db").exists()


def test_a_teacher_in_python_may_answer_later(arguments, tmp_path):
    class Slow(lmtx.TeacherOracle):
        asked = 0

        def identity(self):
            return "slow/1"

        def judge(self, questions, answers):
            self.asked += len(questions)

        def pending_advice(self):
            return "Come back tomorrow."

    teacher = Slow()
    with pytest.raises(lmtx.PairsOpen, match=r"pairs are open\. Come back tomorrow\."):
        lmtx.train(teacher=teacher, out=tmp_path / "run", **arguments)
    assert teacher.asked == 60
