"""benchmarks/: how figures get their intervals, how committed results are judged, and that the pages of docs/ say so."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
SPEED = ROOT / "benchmarks" / "speed"
sys.path[:0] = [str(ROOT / "benchmarks"), str(SPEED)]

import encode_cpu  # noqa: E402
import http_teacher  # noqa: E402
from common import intervals, results  # noqa: E402
from common.workers import Worker, WorkerError  # noqa: E402
from encode_measure import Bench  # noqa: E402
from encode_rows import NAMES, ROWS, SETTINGS, scaled  # noqa: E402

# -- intervals


@pytest.mark.parametrize("count", range(6, 14))
def test_ranks_hold_the_median_as_often_as_they_say(count):
    low, high, confidence = intervals.interval_ranks(count)
    # Each value is below the true median or above it: all cases, each as likely.
    below = np.array([sum(case) for case in itertools.product((0, 1), repeat=count)])
    held = np.mean((below > low) & (below <= high))
    assert confidence == pytest.approx(held, abs=1e-12)
    assert held >= 0.95 and (low + 1 > (count - 1) // 2 or stats.binom.cdf(low + 1, count, 0.5) * 2 > 0.05)


def test_few_repetitions_say_how_little_their_interval_is_worth():
    assert intervals.interval_ranks(3) == (0, 2, 0.75)


def test_a_median_ratio_is_that_of_pairs_of_one_repetition(rng):
    slow, fast = rng.lognormal(1, 0.1, 9), rng.lognormal(0, 0.1, 9)
    figure = intervals.median_ratio(slow.tolist(), fast.tolist())
    assert figure.value == pytest.approx(np.median(slow / fast))
    assert (figure.low, figure.high) == tuple(np.sort(slow / fast)[[1, 7]])


def test_a_median_ratio_holds_the_true_one_nineteen_times_in_twenty(rng):
    held = 0
    for _ in range(1_000):
        figure = intervals.median_ratio(rng.lognormal(1, 0.2, 9).tolist(), rng.lognormal(0, 0.2, 9).tolist())
        held += figure.low <= np.e <= figure.high
    assert 0.94 < held / 1_000 < 0.98


def test_a_mean_difference_has_the_interval_of_a_bootstrap(rng):
    groups = [rng.choice([-100.0, 0.0, 100.0], size=size, p=[0.03, 0.95, 0.02]) for size in (500, 800, 300)]
    figure = intervals.mean_difference([group.tolist() for group in groups])
    resampled = np.mean([group[rng.integers(len(group), size=(10_000, len(group)))].mean(axis=1) for group in groups], axis=0)
    assert figure.value == pytest.approx(np.mean([group.mean() for group in groups]))
    np.testing.assert_allclose((figure.low, figure.high), np.percentile(resampled, [2.5, 97.5]), atol=0.06)


# -- --check


def result(row, value, reach=0.0):
    return {"name": row.name, "figure": {"value": value, "low": value - reach, "high": value + reach, "confidence": 0.96}, "peer": 1.0, "lmtx": value}


def good(row):
    return result(row, row.aim.value)


@pytest.fixture
def check(tmp_path, capsys):
    """Judges these rows: the exit code, and what is printed of each row."""

    def judged(rows, settings=SETTINGS):
        file = tmp_path / "results.json"
        results.write(file, {"machine": {}, "versions": {}, "settings": settings, "rows": rows})
        code = encode_cpu.main(["--check", "--out", str(file)])
        *lines, last = capsys.readouterr().out.splitlines()
        return code, {name: text for name, text in (line.split(": ", 1) for line in lines)}, last

    return judged


def test_aims_that_are_just_met_pass(check):
    code, lines, last = check([good(row) for row in ROWS])
    assert code == 0 and last == f"{len(ROWS)} of {len(ROWS)} aims met"
    assert lines["float32-us-bills-110"] == "met: 1.50x, aim at least 1.50x"
    assert lines["memory-growth"] == "met: 5.0 %, aim at most 5.0 %"


@pytest.mark.parametrize("name, value, line", [
    ("float32-us-bills-110", 1.3, "missed: 1.30x (1.20 to 1.40), aim at least 1.50x"),
    ("int8-precision", -0.5, "missed: -0.50 points (-0.60 to -0.40), aim at least -0.30 points"),
    ("memory-growth", 5.2, "missed: 5.2 % (5.1 to 5.3), aim at most 5.0 %"),
])  # fmt: skip
def test_an_aim_outside_the_interval_is_missed(check, name, value, line):
    code, lines, last = check([result(row, value, 0.1) if row.name == name else good(row) for row in ROWS])
    assert code == 1 and lines[name] == line and last == f"{len(ROWS) - 1} of {len(ROWS)} aims met"


def test_an_aim_within_the_interval_is_met(check):
    code, lines, _ = check([result(row, 1.45, 0.1) if row.name == "float32-us-bills-110" else good(row) for row in ROWS])
    assert code == 0 and lines["float32-us-bills-110"] == "met: 1.45x (1.35 to 1.55), aim at least 1.50x"


def test_what_was_not_measured_is_named_with_its_reason(check):
    code, lines, last = check([{"name": ROWS[0].name, "not_run": "no data"}, *map(good, ROWS[2:])])
    assert code == 1 and last == f"{len(ROWS) - 2} of {len(ROWS)} aims met"
    assert lines[ROWS[0].name] == "not measured: no data"
    assert lines[ROWS[1].name] == "not measured: the results have no such row"


def test_results_of_smaller_amounts_do_not_count(check):
    code, lines, last = check([good(row) for row in ROWS], settings=scaled(SETTINGS, 0.1))
    assert code == 1 and last == f"0 of {len(ROWS)} aims met"
    assert "was measured with other settings than those of today: documents, labels, memory_texts" in "".join(": ".join(line) for line in lines.items())


def test_checking_needs_nothing_but_python(tmp_path):
    command = [sys.executable, "-I", "-S", SPEED / "encode_cpu.py", "--check", "--out", tmp_path / "none.json"]
    done = subprocess.run(command, capture_output=True, text=True, env={})
    assert done.returncode == 1 and done.stdout.endswith(f"0 of {len(ROWS)} aims met\n"), done.stderr


# -- results


def test_new_rows_take_the_place_of_old_ones_in_the_order_of_the_table():
    old = {"machine": 1, "rows": [{"name": "b", "x": 1}, {"name": "c", "x": 1}]}
    new = {"machine": 1, "rows": [{"name": "c", "x": 2}, {"name": "a", "x": 2}]}
    assert results.merged(old, new, "abc")["rows"] == [{"name": "a", "x": 2}, {"name": "b", "x": 1}, {"name": "c", "x": 2}]


def test_rows_of_another_machine_are_not_mixed_in(tmp_path):
    here = {"machine": {"cores": 2}, "versions": {}, "settings": {}}
    results.refuse_to_mix("encode_cpu", {}, here, "results.json")
    refusal = r"encode_cpu: results.json has rows of other machine and versions: measure all rows, or name another file with --out\."
    with pytest.raises(SystemExit, match=refusal):
        results.refuse_to_mix("encode_cpu", {**here, "machine": {"cores": 4}, "versions": {"torch": "2"}}, here, "results.json")


def test_results_are_read_as_they_were_written(tmp_path):
    written = {"machine": {"cores": 2}, "settings": SETTINGS, "rows": [good(row) for row in ROWS]}
    results.write(tmp_path / "new" / "results.json", written)
    assert results.read(tmp_path / "new" / "results.json") == written


def test_an_unknown_row_is_refused_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        encode_cpu.main(["--rows", "float64-*"])
    assert f"there is no row float64-*; the rows are: {', '.join(NAMES)}" in capsys.readouterr().err


@pytest.mark.parametrize("row", [row for row in ROWS if row.group != ("start",)], ids=lambda row: row.name)
def test_a_row_whose_data_is_absent_is_not_run(row, model):
    bench = Bench(model, {}, threads=1, onnx_python="none", settings=SETTINGS)
    found = bench.measure(row.group, [row.name])
    assert list(found) == [row.name]
    reason = r"the data folder \S+ is not there: name it with --data, or the folder that it is in with LMTX_DATA"
    assert re.fullmatch(reason, found[row.name]["not_run"])


def test_the_page_shows_the_committed_results():
    page = encode_cpu.PAGE.read_text(encoding="utf-8")
    assert page == encode_cpu.fill_page(page, results.read(encode_cpu.RESULTS)), "python benchmarks/speed/encode_cpu.py --fill-docs"


def test_the_page_of_the_http_teacher_shows_its_results_and_they_meet_the_aims():
    page = http_teacher.PAGE.read_text(encoding="utf-8")
    assert page == http_teacher.fill_page(page, results.read(http_teacher.RESULTS)), "python benchmarks/speed/http_teacher.py --fill-docs"
    assert http_teacher.main(["--check"]) == 0


def test_the_page_quotes_refusals_that_there_are():
    quoted = encode_cpu.PAGE.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0].splitlines()
    sources = "".join(re.sub(r'\\"', '"', file.read_text(encoding="utf-8")) for file in (ROOT / "lmtx").glob("*/*.cc"))
    missing = [part.strip() for line in quoted for part in line.split("…") if part.strip() not in sources]
    assert len(quoted) > 10 and not missing


# -- workers


ANSWERING = """
import sys
sys.path.insert(0, sys.argv[1])
from common.workers import serve, peak_memory

class Subject:
    def add(self, a, b):
        print("a library talks")
        return a + b

    def fail(self):
        raise ValueError("no such thing\\nand more")

    def memory(self, size):
        block = b"x" * size
        return peak_memory()

serve(Subject)
"""


@pytest.fixture
def worker():
    with Worker([sys.executable, "-c", ANSWERING, str(ROOT / "benchmarks")], None) as worker:
        yield worker


def test_a_worker_answers_and_goes_on_after_an_error(worker):
    assert worker.call("add", a=1, b=2) == 3
    with pytest.raises(WorkerError, match="^ValueError: no such thing$"):
        worker.call("fail")
    assert worker.call("add", a="ü", b="x") == "üx"


def test_peak_memory_is_that_of_the_worker_itself(worker):
    small, large = worker.call("memory", size=1), worker.call("memory", size=50_000_000)
    assert 50e6 < large - small < 60e6
    # The kernel's count is off by some pages.
    assert abs(worker.call("memory", size=1) - large) < 1e6


def test_a_worker_that_ends_is_quoted():
    with Worker([sys.executable, "-c", "raise SystemExit('out of order')"], None) as worker, pytest.raises(WorkerError, match="^out of order$"):
        worker.call("add", a=1, b=2)


# -- a run


@pytest.mark.long
def test_a_small_run_writes_rows_that_can_be_judged(tmp_path):
    command = [sys.executable, SPEED / "encode_cpu.py", "--scale", "0.05", "--data", ROOT / "examples/us-bills-110", "--out", tmp_path / "r.json"]
    done = subprocess.run([*command, "--rows", "tokens-*", "start-python"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "r.json").read_text())["rows"]}
    assert list(rows) == ["tokens-us-bills-110", "tokens-debian-debtags", "start-python"]
    assert rows["tokens-us-bills-110"]["figure"]["low"] > 0 and rows["tokens-us-bills-110"]["tokens"] > 1000
    assert rows["tokens-debian-debtags"]["not_run"].startswith("the data folder debian-debtags is not there")
