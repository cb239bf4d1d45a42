"""One GGUF model asked in two ways: over HTTP, in a server of llama-cpp-python, and in this process. Scores, speed, and the tokens that grouping saves.

    PYTHONPATH=build/python .venv/bin/python benchmarks/teachers/local_and_http.py --model FILE.gguf [--server-python PYTHON] [--out FILE]

Needs llama-cpp-python here and llama-cpp-python[server] in --server-python (by default the same). docs/teachers-local.md has the results.
"""

import argparse
import importlib.metadata
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bills
import llama_server
from common import results

import lmtx

RESULTS = Path(__file__).parent / "results" / "local_and_http.json"
# Before the clock runs: weights are read from disk.
WARM_UP = lmtx.Question(lmtx.Document("warm-up", content="Red wine on a wool carpet."), [lmtx.Label("stains", "stains")])
WAYS = ("in process, grouped", "in process, apart", "HTTP, grouped", "HTTP, apart")
# What is compared with what.
PAIRS = (("HTTP, grouped", "in process, grouped"), ("HTTP, grouped", "HTTP, apart"), ("in process, grouped", "in process, apart"))


def in_process(options, prompt, questions):
    teacher = lmtx.teachers.llama_cpp(options.model, prompt=prompt, n_ctx=options.n_ctx, n_threads=options.threads)
    lmtx.ask_teacher(teacher, [WARM_UP])
    cpu, started = time.process_time(), time.monotonic()
    asked = lmtx.ask_teacher(teacher, questions)
    usage = asked.usage
    return asked.verdicts, time.monotonic() - started, time.process_time() - cpu, usage.prompt_tokens, usage.prompt_tokens - usage.cached_tokens


def over_http(options, prompt, questions):
    """One request at a time, call by call: the server has one memory, and finds in it what a prompt has in common with the one before."""
    with llama_server.Server(options.server_python, options.model, options.n_ctx, options.threads) as server:
        teacher = lmtx.HttpOracle(server.url, lmtx.ChatProtocol("model", prompt=prompt), max_concurrency=1, starting_concurrency=1, response_seconds=600)
        lmtx.ask_teacher(teacher, [WARM_UP])
        size = teacher.traits().questions_per_call
        before, cpu, started = server.computed_tokens(), server.cpu_seconds(), time.monotonic()
        asked = [lmtx.ask_teacher(teacher, questions[begin : begin + size]) for begin in range(0, len(questions), size)]
        seconds, cpu, computed = time.monotonic() - started, server.cpu_seconds() - cpu, server.computed_tokens() - before
    return [verdicts for part in asked for verdicts in part.verdicts], seconds, cpu, sum(part.usage.prompt_tokens for part in asked), computed


def row(name, questions, verdicts, seconds, cpu_seconds, prompt_tokens, computed_tokens):
    """The scores are kept, too, in the order of documents and their labels."""
    scores = {
        (question.uid, label.uid): verdict.value
        for question, of_question in zip(questions, verdicts, strict=True)
        for label, verdict in zip(question.labels, of_question, strict=True)
    }
    return {
        "name": name,
        "judgments": len(scores),
        "seconds": round(seconds, 1),
        "judgments_per_second": round(len(scores) / seconds, 2),
        # What other programs on the machine disturb less.
        "cpu_seconds": round(cpu_seconds, 1),
        "prompt_tokens": prompt_tokens,
        "computed_tokens": computed_tokens,
        "computed_per_judgment": round(computed_tokens / len(scores), 1),
        "abstained": sum(score is None for score in scores.values()),
        "scores": [None if scores[pair] is None else round(scores[pair], 5) for pair in sorted(scores)],
    }


def agreement(first, second, pairs):
    """How near the scores of two rows are, over what both have. `pairs` says which pairs a row's scores are of."""
    scores = [dict(zip(pairs(found["name"]), found["scores"], strict=True)) for found in (first, second)]
    both = [pair for pair in scores[0] if scores[0][pair] is not None and scores[1].get(pair) is not None]
    a, b = (np.array([of[pair] for pair in both]) for of in scores)
    difference = np.abs(a - b)
    return {
        "name": f"{first['name']} - {second['name']}",
        "pairs": len(both),
        "mean_difference": round(float(difference.mean()), 5),
        "p99_difference": round(float(np.quantile(difference, 0.99)), 5),
        "largest_difference": round(float(difference.max()), 5),
        "correlation": round(float(np.corrcoef(a, b)[0, 1]), 5),
        "same_side_of_half": round(float(np.mean((a >= 0.5) == (b >= 0.5))), 4),
        "spread_of_scores": round(float(a.std()), 4),
    }


def measure(options, old):
    prompt = lmtx.Prompt(document_tokens=options.document_tokens)
    questions = bills.questions(options.documents, options.labels)
    asked = {"grouped": questions, "apart": bills.one_by_one(questions[: options.apart])}
    rows = {found["name"]: found for found in old.get("rows", []) if found["name"] in WAYS}
    for name in WAYS if not options.ways else options.ways:
        where, order = name.split(", ")
        rows[name] = row(name, asked[order], *(in_process if where == "in process" else over_http)(options, prompt, asked[order]))
        print({key: value for key, value in rows[name].items() if key != "scores"}, flush=True)

    def pairs(name):
        return sorted((question.uid, label.uid) for question in asked[name.split(", ")[1]] for label in question.labels)

    compared = [agreement(rows[first], rows[second], pairs) for first, second in PAIRS if first in rows and second in rows]
    return [rows[name] for name in WAYS if name in rows] + compared


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file with a chat template")
    parser.add_argument("--server-python", default=sys.executable, help="a Python that has llama-cpp-python[server]")
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--labels", type=int, default=5, help="labels a document")
    parser.add_argument("--apart", type=int, default=20, help="documents whose labels are asked about apart from one another, too")
    parser.add_argument("--document-tokens", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--n-ctx", type=int, default=2048)
    parser.add_argument("--ways", nargs="+", choices=WAYS, help="measure these anew, and leave the others as they are")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def main():
    options = parse_arguments()
    settings = {name: getattr(options, name) for name in ("documents", "labels", "apart", "document_tokens", "threads", "n_ctx")}
    versions = {"llama-cpp-python": importlib.metadata.version("llama-cpp-python"), "python": sys.version.split()[0]}
    head = {"machine": results.machine(options.threads), "versions": versions, "settings": {"model": options.model.name, **settings}}
    old = results.read(options.out)
    if options.ways:
        results.refuse_to_mix("local_and_http.py", old, head, options.out)
    rows = measure(options, old if options.ways else {})
    results.write(options.out, {"commit": results.commit(), **head, "rows": rows})
    for found in rows:
        if found["name"] not in WAYS:
            print(found)


if __name__ == "__main__":
    main()
