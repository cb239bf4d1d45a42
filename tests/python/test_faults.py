"""Kills, full disks and read-only folders, on the command line. What a kill or a failure at each single file operation does is tested in tests/cpp/faults."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lmtx
import tiny
from runs import command, contents, environment

INJECTOR = Path(lmtx.__file__).parents[2] / "tests" / "cpp" / "liblmtx_faults.so"
# A second of asking and training.
SHORT = {"cycles": 2, "epochs": 2, "checkpoint_every": 3}


def run(arguments, **keywords):
    return subprocess.run(arguments, capture_output=True, text=True, **{"env": environment()} | keywords)


def complaint(result, code):
    """The one line with which a command ended."""
    assert result.returncode == code, result
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("lmtx: ")]
    assert len(lines) == 1 and result.stderr.endswith(lines[0] + "\n"), result.stderr
    return lines[0].removeprefix("lmtx: ")


@pytest.fixture
def faulty():
    """The environment of a process whose disk fails at its file operations in a folder (tests/faults/fault_injector.cc)."""
    if not INJECTOR.exists():
        pytest.skip(f"{INJECTOR} is not there; ninja -C build lmtx_faults builds it")

    def environment_of(folder, files, action="last", error="ENOSPC", at=1):
        preload = {"LD_PRELOAD": str(INJECTOR), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        wanted = {"FOLDER": folder, "FILES": files, "DO": action, "ERROR": error, "AT": at}
        return environment(**preload, **{f"LMTX_FAULT_{name}": str(value) for name, value in wanted.items()})

    return environment_of


@pytest.fixture(scope="module")
def expected(model, data, tmp_path_factory):
    """What comes out of an undisturbed run."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    assert run(command(model, data, out, **SHORT)).returncode == 0
    return contents(out)


STAGES = ["run.json*", "documents.tokens*", "cycle-0/asked*", "judgments.db-wal", "*training.checkpoint*", "cycle-0/student*", "tagger*", "report.json*"]
QUICK = ["judgments.db-wal", "*training.checkpoint*", "tagger*"]


@pytest.mark.parametrize("files", [pytest.param(files, marks=[] if files in QUICK else pytest.mark.long) for files in STAGES])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on_when_there_is_room(model, data, expected, faulty, tmp_path, files):
    out = tmp_path / "run"
    message = complaint(run(command(model, data, out, **SHORT), env=faulty(out, files, at=10 if files == "judgments.db-wal" else 1)), 1)
    assert str(out) in message and ("No space left on device" in message or "the disk is full" in message)
    assert run(command(model, data, out, **SHORT)).returncode == 0
    assert contents(out) == expected


def test_a_teacher_of_ones_own_does_not_hide_a_full_disk(model, data, faulty, tmp_path):
    (tmp_path / "careless.py").write_text(
        "import lmtx, tiny\n"
        "class Careless(lmtx.TeacherOracle):\n"
        "    def identity(self): return 'careless/1'\n"
        "    def judge(self, questions, answers):\n"
        "        for question in questions:\n"
        "            print(question.uid, file=open('asked', 'a'))\n"
        "            try: answers.put(question, tiny.topic_answers(question.text, [label.name for label in question.labels]))\n"
        "            except RuntimeError: pass\n"
    )
    out = tmp_path / "run"
    arguments = command(model, data, out, "python:careless:Careless", **SHORT)
    message = complaint(run(arguments, cwd=tmp_path, env=faulty(out, "judgments.db-wal", at=40)), 1)
    assert message == f"{out / 'judgments.db'}: the disk is full."
    # The run ended there, instead of paying for answers that nobody keeps.
    asked = (tmp_path / "asked").read_text().split()
    assert 1 < len(asked) < 20
    assert run(arguments, cwd=tmp_path).returncode == 0
    again = (tmp_path / "asked").read_text().split()[len(asked) :]
    assert again[0] == asked[-1] and not set(again[:54]) & set(asked[:-1])


def without_rights(arguments):
    """Permissions bind root, too, once this is given up."""
    if os.geteuid() != 0:
        return arguments
    arguments = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *arguments]
    try:
        subprocess.run([*arguments[:2], "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"root's rights cannot be given up: {error}")
    return arguments


@pytest.fixture
def read_only(tmp_path):
    folder = tmp_path / "read-only"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_read_only_place_is_wrong_input(model, data, read_only, tmp_path):
    for out in (read_only, read_only / "run", read_only / "deeper" / "run"):
        assert complaint(run(without_rights(command(model, data, out, **SHORT))), 2) == f"The work folder {out} cannot be written: Permission denied."
    store = read_only / "judgments.db"
    arguments = [*command(model, data, tmp_path / "run", **SHORT), "--store", str(store)]
    assert complaint(run(without_rights(arguments)), 2) == f"The store {store} cannot be made: Permission denied."
    assert not list(read_only.iterdir()) and not (tmp_path / "run").exists()


def test_a_finished_run_can_be_shown_where_nothing_can_be_written(model, data, tmp_path):
    arguments = command(model, data, tmp_path / "run", "python:tiny:topic_answers", **SHORT)
    first = run(arguments)
    for path in [*(tmp_path / "run").rglob("*"), tmp_path / "run"]:
        path.chmod(0o555)
    try:
        again = run(without_rights(arguments))
    finally:
        (tmp_path / "run").chmod(0o755)
    assert again.returncode == 0 and again.stdout == first.stdout


def test_output_that_cannot_be_written_is_one_line(model, data, tagger_folder, tmp_path):
    texts = tmp_path / "texts"
    texts.write_text("tax office\n" * 1000)
    lmtx_command = [sys.executable, "-m", "lmtx"]
    for arguments in (["tag", tagger_folder, texts], ["eval", tagger_folder, data], ["eval", tagger_folder, data, "--json"], ["--version"]):
        with open("/dev/full", "w") as full:
            result = subprocess.run([*lmtx_command, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE, text=True, env=environment())
        assert complaint(result, 1) == "standard output: No space left on device."


@pytest.fixture
def demo(model, tmp_path):
    """The arguments of a demo on the tiny task."""
    folder = tiny.write_data(tmp_path / "bills")
    tiny.write_recording(folder / "verdicts.jsonl.gz", tiny.make_documents())
    (tmp_path / "small_demo.py").write_text(
        "import sys\nfrom pathlib import Path\nimport lmtx.cli, lmtx.demo as demo\n"
        f"demo.bundled_minilm = lambda: Path({str(model)!r})\n"
        "demo.OPTIONS = {name: options | {'document_length': 32, 'batch_size': 10, 'epochs': 1, 'cycles': 1, 'steps': 0} for name, options in demo.OPTIONS.items()}\n"
        "lmtx.cli.app(['demo', *sys.argv[1:]])\n"
    )
    return lambda out: [sys.executable, str(tmp_path / "small_demo.py"), "--data", str(folder), "--out", str(out)]


def test_a_demo_says_why_its_report_cannot_be_written(demo, faulty, read_only, tmp_path):
    out = tmp_path / "demo"
    message = complaint(run(demo(out), env=faulty(out, "report.json*")), 1)
    assert message == f"Cannot write {out / 'report.json'}: No space left on device."
    assert sorted(path.name for path in out.iterdir()) == ["default", "paper"]
    assert run(demo(out)).returncode == 0
    assert json.loads((out / "report.json").read_text())["default"]["judgments"] > 0
    assert "cannot be written: Permission denied." in complaint(run(without_rights(demo(read_only / "demo"))), 2)


# --- minutes ---

# Asking sleeps, so that it takes as long as training does.
LOGGING_TEACHER = """
import hashlib, os, time
import tiny

def note(line):
    log = os.open("asked", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, line.encode() + b"\\n")
    os.close(log)

note("begin")

def ask(document, labels):
    note(" ".join([hashlib.sha256(document.encode()).hexdigest(), *labels]))
    time.sleep(0.005)
    return tiny.topic_answers(document, labels)
"""


def lives_of(log):
    """The calls of each process, each a list of (document, label)."""
    lives = []
    for line in log.read_text().splitlines():
        if line == "begin":
            lives.append([])
        else:
            document, *labels = line.split()
            lives[-1].append([(document, label) for label in labels])
    return lives


def recording(run, file):
    (identity,) = (store := lmtx.JudgmentStore.open(run / "judgments.db")).identities()
    store.export_recording(identity, file)
    return file.read_bytes()


@pytest.mark.long
def test_killed_at_20_random_moments_a_run_of_two_minutes_ends_with_the_same_bytes(model, tmp_path):
    (tmp_path / "logging_teacher.py").write_text(LOGGING_TEACHER)
    data = tiny.write_data(tmp_path / "data", documents=3000)
    seed = int(os.environ.get("LMTX_TEST_SEED", random.SystemRandom().randrange(10**9)))
    print(f"LMTX_TEST_SEED={seed}")  # Shown where the test fails.
    draw = random.Random(seed)

    def arguments(out):
        return command(model, data, out, "python:logging_teacher:ask", cycles=3, epochs=10)

    started = time.monotonic()
    assert run(arguments(tmp_path / "whole"), cwd=tmp_path).returncode == 0
    seconds = time.monotonic() - started
    (whole,) = lives_of(tmp_path / "asked")
    (tmp_path / "asked").unlink()

    out = tmp_path / "run"
    for kill in range(20):
        process = subprocess.Popen(arguments(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(), cwd=tmp_path)
        # Together about as long as the whole takes: the kills hit all stages, and none comes too late.
        moment = draw.uniform(0.0, 0.09) * seconds
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=moment)
        process.kill()
        process.wait()
        print(f"kill {kill}: after {moment:.1f} s of about {seconds:.0f} s")
    assert run(arguments(out), cwd=tmp_path).returncode == 0

    assert contents(out) == contents(tmp_path / "whole")
    assert recording(out, tmp_path / "recording") == recording(tmp_path / "whole", tmp_path / "recording")
    asked, repeated, in_flight = set(), 0, set()
    for calls in lives_of(tmp_path / "asked"):
        for pair in (pair for call in calls for pair in call):
            # Only the one call that a kill met is made again.
            assert pair not in asked or pair in in_flight
            repeated += pair in asked
            in_flight.discard(pair)
            asked.add(pair)
        in_flight.update(calls[-1] if calls else [])
    assert asked == {pair for call in whole for pair in call}
    assert repeated <= 20 * 5


@pytest.mark.long
def test_a_disk_that_is_really_full_is_one_line_and_the_same_command_goes_on_when_there_is_room(model, data, expected, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=50m", "none", str(disk)])
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        for kilobytes in (8, 40, 100, 160, 220, 300, 400, 500):
            subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(disk)], check=True)
            message = complaint(run(command(model, data, disk / "run", **SHORT)), 1)
            assert str(disk / "run") in message and ("No space left on device" in message or "the disk is full" in message), message
            subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
            assert run(command(model, data, disk / "run", **SHORT)).returncode == 0
            assert contents(disk / "run") == expected
            subprocess.run(["rm", "-r", str(disk / "run")], check=True)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
