"""Teachers behind OpenAI-compatible servers, from Python and from the command line."""

import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import lmtx
import tiny
from lmtx.teachers.openai_server import openai_from_spec
from runs import environment

KEY = "sk-0123456789abcdef"


class Answers(BaseHTTPRequestHandler):
    """The perfect teacher of the tiny task, as a server."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers.get("Authorization"), body))
        status, answer = self.server.answer(body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


def perfect(body):
    text = body["messages"][-1]["content"]
    document, label = re.search(r"<document>\n(.*)\n</document>", text, re.DOTALL)[1], re.search(r"Tag: (\S+)", text)[1]
    yes = tiny.topic_answers(document, [label])[0]
    tokens = [{"token": " Yes", "logprob": -0.01 if yes else -5.0}, {"token": " No", "logprob": -5.0 if yes else -0.01}]
    choice = {"message": {"content": "?"}, "logprobs": {"content": [{**tokens[0], "top_logprobs": tokens}]}}
    return 200, {"choices": [choice], "usage": {"prompt_tokens": 50, "completion_tokens": 1}}


@pytest.fixture
def server(monkeypatch):
    for name in ("LMTX_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    running = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    running.daemon_threads = True
    running.seen, running.answer = [], perfect
    running.url = f"http://127.0.0.1:{running.server_port}/v1"
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def train(model, data, teacher, out, **options):
    return lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=teacher, base=model, out=out, progress=False, **options)


def train_command(*arguments, **variables):
    command = [sys.executable, "-m", "lmtx", "train", *map(str, arguments), "--preset", "paper"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment(**variables))


def test_a_run_asks_a_server_for_each_pair_once(server, model, data, fast, tmp_path):
    teacher = lmtx.teachers.openai(server.url, "perfect", prompt_price=1.0)
    tagger = train(model, data, teacher, tmp_path / "run", **fast)
    assert tagger.report.total.judgments == len(server.seen) == teacher.stats().requests
    assert {(path, key) for path, key, _ in server.seen} == {("/v1/chat/completions", None)}
    assert all(body["model"] == "perfect" and body["max_tokens"] == 1 and body["logprobs"] for _, _, body in server.seen)
    prompts = [body["messages"][-1]["content"] for _, _, body in server.seen]
    assert len(set(prompts)) == len(prompts)
    assert teacher.stats().prompt_tokens == 50 * len(prompts)
    assert teacher.stats().cost == pytest.approx(50 * len(prompts) / 1e6)
    # The verdicts are right: the store says so.
    store = lmtx.JudgmentStore.open(tmp_path / "run" / "judgments.db")
    assert store.identities() == [teacher.identity()]
    documents = {d["uid"]: d for d in tiny.make_documents()}
    store.export_recording(teacher.identity(), tmp_path / "recording.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "recording.jsonl").read_text().splitlines()[1:]]
    for row in rows:
        words = documents[row["uid"]]["content"].split()
        assert [score > 0.5 for score in row["scores"]] == [label.removeprefix("l-") in words for label in row["labels"]]
    assert sum(len(row["labels"]) for row in rows) == len(prompts)


def test_a_key_is_sent_and_written_nowhere(server, model, data, fast, tmp_path, monkeypatch):
    monkeypatch.setenv("LMTX_API_KEY", KEY)
    teacher = lmtx.teachers.openai(server.url, "perfect", keep_raw=True)
    train(model, data, teacher, tmp_path / "run", **fast)
    assert {key for _, key, _ in server.seen} == {f"Bearer {KEY}"}
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 5
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []
    assert KEY not in repr(teacher) + teacher.identity() + repr(teacher.stats()) + teacher.key_variable


def test_a_wrong_key_ends_the_run_in_one_line_without_the_key(server, model, data, tmp_path):
    server.answer = lambda body: (401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    result = train_command(data, "--base", model, "--teacher", f"openai:{server.url}#m", "--out", tmp_path / "run", LMTX_API_KEY=KEY)
    assert result.returncode == 1
    assert f"The teacher's server {server.url}: status 401: Incorrect API key provided: ***" in result.stderr
    assert KEY not in result.stdout + result.stderr


def test_a_server_is_named_on_the_command_line_with_options(server, model, data, tmp_path):
    spec = f"openai:{server.url}#org/model:7b?max_concurrency=3&task=Tags%20are%20topics&warm_prefix=false&prompt_price=0.5"
    result = train_command(data, "--base", model, "--teacher", spec, "--out", tmp_path / "run", "--set", "cycles=1")
    assert result.returncode == 0, result.stderr
    _, _, body = server.seen[0]
    assert body["model"] == "org/model:7b"
    assert body["messages"][-1]["content"].startswith("Tags are topics\n")


def test_a_spec_makes_what_the_function_makes():
    made = openai_from_spec("http://localhost:8000/v1#m?labels_per_prompt=25&answer=scale&document_tokens=100&seed=3&response_seconds=7.5")
    same = lmtx.teachers.openai("http://localhost:8000/v1", "m", prompt=lmtx.Prompt(answer="scale", document_tokens=100), labels_per_prompt=25, seed=3)
    assert made.identity() == same.identity()
    assert lmtx.make_teacher("openai:http://localhost:8000/v1#m").identity() == lmtx.teachers.openai("http://localhost:8000/v1", "m").identity()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("openai:http://localhost:8000/v1", "must be openai:URL#MODEL"),
        ("openai:", "must be openai:URL#MODEL"),
        ("openai:localhost/v1#m", "`url` must begin with http:// or https://|`url` must be an address"),
        ("openai:http://me:secret@localhost/v1#m", "`url` must not have a user"),
        ("openai:http://localhost/v1#m?speed=3", "has no option 'speed'; it has answer, answer_tokens,"),
        ("openai:http://localhost/v1#m?attempts=many", "attempts of the teacher openai must be a whole number, but is 'many' instead"),
        ("openai:http://localhost/v1#m?chat=perhaps", "chat of the teacher openai must be true or false"),
        ("openai:http://localhost/v1#m?attempts=0", "`attempts` must be at least 1, but is 0 instead"),
        ("openai:http://localhost/v1#m?key_variable=LMTX_NO_SUCH_KEY", "`LMTX_NO_SUCH_KEY`, which has the value of the header `Authorization`, is not set"),
    ],
)
def test_what_is_wrong_with_a_spec_is_named(spec, message):
    with pytest.raises(ValueError, match=message) as caught:
        lmtx.make_teacher(spec)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "own", "openais", "expected"),
    [
        ("https://api.openai.com/v1", False, True, "OPENAI_API_KEY"),
        ("https://api.openai.com/v1", True, True, "LMTX_API_KEY"),
        ("https://api.openai.com/v1", False, False, ""),
        ("http://api.openai.com/v1", False, True, ""),
        ("http://localhost:8000/v1", False, True, ""),
        ("http://localhost:8000/v1", True, True, "LMTX_API_KEY"),
        ("https://localhost/v1", False, True, ""),
        ("https://gpu-box/v1", False, True, ""),
        ("https://gpu.local/v1", False, True, ""),
        ("https://10.0.0.7/v1", False, True, ""),
        ("https://[::1]/v1", False, True, ""),
        ("https://8.8.8.8/v1", False, True, "OPENAI_API_KEY"),
    ],
)
def test_the_key_of_openai_goes_to_no_machine_of_ones_own_and_nowhere_in_the_clear(url, own, openais, expected, monkeypatch):
    for name, given in (("LMTX_API_KEY", own), ("OPENAI_API_KEY", openais)):
        monkeypatch.setenv(name, KEY) if given else monkeypatch.delenv(name, raising=False)
    assert lmtx.teachers.openai(url, "m").key_variable == expected


def test_the_defaults_of_the_spec_are_those_of_the_classes():
    teacher, plain = lmtx.teachers.openai("http://localhost/v1", "m"), lmtx.ChatProtocol("m")
    assert teacher.identity() == plain.identity
    # Every option that HttpOracle takes can be named in a spec, but for headers.
    names = set(re.findall(r"(\w+): [^=:]+ = ", lmtx.HttpOracle.__init__.__doc__.splitlines()[0])) - {"header_variables"}
    refused = []
    for name in names:
        try:
            openai_from_spec(f"http://localhost/v1#m?{name}=x")
        except ValueError as error:
            if "has no option" in str(error):
                refused.append(name)
    assert len(names) > 15 and refused == []
