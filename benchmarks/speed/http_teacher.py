#!/usr/bin/env python3
"""The HTTP teacher where the server takes no time: judgments a second, storing included, and memory.

    python benchmarks/speed/http_teacher.py            measure; needs `ninja -C build lmtx_http_speed`
    python benchmarks/speed/http_teacher.py --check    judge the committed results

A run takes about ten minutes on two quiet cores and writes results/http_teacher.json beside this file. Client and server share the machine; the server is that of
the tests, a process of its own. Its ceiling is what plain sockets get out of it with as many connections. Exit code of --check: 1 where an aim is missed.
"""

import argparse
import ctypes
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
from common import results
from common.pages import fill_part
from common.results import ROOT, Aim

RESULTS = Path(__file__).parent / "results" / "http_teacher.json"
PAGE = ROOT / "docs" / "teachers-http.md"
PROGRAM = ROOT / "build" / "tests" / "cpp" / "lmtx_http_speed"
SETTINGS = {
    "concurrency": 64,
    # A document's, each a request with a prompt of about 300 tokens.
    "labels": 20,
    # Runs of so many judgments, each into a new store.
    "repetitions": 5,
    "judgments": 50_000,
    "ceiling_seconds": 5,
    # Judgments at which memory is looked at.
    "memory": [100_000, 1_000_000],
}


@dataclass(frozen=True)
class Row:
    name: str
    work: str
    aim: Aim


ROWS = [
    Row("throughput", "judgments, each a request, into a store", Aim(2_000, "judgments/s")),
    Row("memory-growth", "growth of the client's memory from 100,000 judgments to 1,000,000", Aim(5, "%", at_most=True)),
    Row("memory-with-store", "the same with a store, which keeps up to 64 MiB of its pages in memory", Aim(80, "MiB", at_most=True)),
]


def run(*arguments):
    """The lines of JSON that the program says."""
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(settings, milestones, store=True):
    with tempfile.TemporaryDirectory() as folder:
        *lines, end = run("judge", settings["concurrency"], settings["labels"], Path(folder) / "judgments.db" if store else "-", *milestones)
    if end["requests"] != milestones[-1] or end["retries"] or (store and end["stored"] != milestones[-1]):
        raise RuntimeError(f"{milestones[-1]} judgments were to be made, but came out as {end}")
    return lines


def throughput(settings):
    runs = [judge(settings, [settings["judgments"]])[0] for _ in range(settings["repetitions"])]
    rates = sorted(line["judgments"] / line["seconds"] for line in runs)
    [ceiling] = run("ceiling", settings["concurrency"], settings["ceiling_seconds"])
    share = statistics.median(line["server_cpu_seconds"] / (line["server_cpu_seconds"] + line["client_cpu_seconds"]) for line in runs)
    return {
        "figure": {"value": statistics.median(rates), "low": rates[0], "high": rates[-1]},
        "ceiling": ceiling["requests"] / ceiling["seconds"],
        "client_cpu_microseconds": statistics.median(1e6 * line["client_cpu_seconds"] / line["judgments"] for line in runs),
        "server_share_of_cpu": share,
    }


def memory(settings, store):
    first, last = judge(settings, settings["memory"], store)
    kib = {"rss_kib": [first["rss_kib"], last["rss_kib"]], "judgments_per_second": last["judgments"] / last["seconds"]}
    growth = (last["rss_kib"] - first["rss_kib"]) / 1024 if store else 100 * (last["rss_kib"] / first["rss_kib"] - 1)
    return {"figure": {"value": growth, "low": growth, "high": growth}, **kib}


MEASURES = {
    "throughput": throughput,
    "memory-growth": lambda settings: memory(settings, store=False),
    "memory-with-store": lambda settings: memory(settings, store=True),
}


def versions():
    """That of the libcurl that LMTX is linked with."""
    linked = subprocess.run(["ldd", str(ROOT / "build" / "liblmtx.so")], capture_output=True, text=True, check=True).stdout
    library = ctypes.CDLL(re.search(r"libcurl\S* => (\S+)", linked)[1])
    library.curl_version.restype = ctypes.c_char_p
    return {"libcurl": library.curl_version().decode().split()[0].removeprefix("libcurl/")}


def table(measured):
    by_name = {row["name"]: row for row in measured.get("rows", [])}
    lines = ["| work | measured | aim | |", "|---|---|---|---|"]
    for row in ROWS:
        result = by_name.get(row.name)
        figure = shown(row, result) if result else ""
        aim = f"{'at most' if row.aim.at_most else 'at least'} {row.aim.value:,.0f} {row.aim.unit}"
        lines.append(f"| {row.work} | {figure} | {aim} | {results.judge(row, result).outcome} |")
    return "\n".join(lines) + "\n"


def shown(row, result):
    figure = result["figure"]
    if row.name == "throughput":
        return (
            f"{figure['value']:,.0f} ({figure['low']:,.0f} to {figure['high']:,.0f}) judgments/s; {result['client_cpu_microseconds']:.0f} µs of processor time each; "
            f"the server's ceiling: {result['ceiling']:,.0f} requests/s"
        )
    first, last = (kib / 1024 for kib in result["rss_kib"])
    return f"{figure['value']:.1f} {row.aim.unit}: {first:.0f} to {last:.0f} MiB"


def page_part(measured):
    if not measured:
        return "Not measured yet.\n"
    machine = measured["machine"]
    settings = measured["settings"]
    return (
        f"{machine['cores']} cores of {machine['processor']}, client and server together; libcurl {measured['versions']['libcurl']}; {settings['concurrency']} requests at once, "
        f"{settings['labels']} labels a document; commit {measured['rows'][0]['commit']}.\n\n{table(measured)}"
    )


def fill_page(page, measured):
    return fill_part(page, "http_teacher.json", page_part(measured))


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="judge the results and measure nothing")
    parser.add_argument("--fill-docs", action="store_true", help="write the results into docs/teachers-http.md and measure nothing")
    parser.add_argument("--rows", nargs="+", metavar="NAME", default=[], help="only these, * allowed: " + ", ".join(row.name for row in ROWS))
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file of results")
    return parser.parse_args(arguments)


def measure(options):
    rows = results.chosen(ROWS, options.rows)
    found = {"machine": results.machine(len(os.sched_getaffinity(0))), "versions": versions(), "settings": SETTINGS}
    old = results.read(options.out) if len(rows) < len(ROWS) else {}
    results.refuse_to_mix("http_teacher", old, found, options.out)
    for row in rows:
        measured = {"name": row.name, **MEASURES[row.name](SETTINGS), "commit": results.commit()}
        old = results.merged(old, {**found, "rows": [measured]}, [one.name for one in ROWS])
        results.write(options.out, old)
    print(f"\n{table(old)}")
    return 0


def main(arguments=None):
    options = parse(arguments)
    if options.check:
        return results.check(ROWS, options.out, SETTINGS)
    if options.fill_docs:
        PAGE.write_text(fill_page(PAGE.read_text(encoding="utf-8"), results.read(options.out)), encoding="utf-8")
        return 0
    return measure(options)


if __name__ == "__main__":
    sys.exit(main())
