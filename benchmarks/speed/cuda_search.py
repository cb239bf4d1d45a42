#!/usr/bin/env python
"""Exact search on a card: LMTX against torch.matmul and topk on float16 labels, which lie on the card for both, as queries and matches do.

    python benchmarks/speed/cuda_search.py --labels 500000

measures it alone and prints JSON; cuda.py calls measure_search().
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from common.intervals import median_ratio

# Rows of queries that the peer takes at a time: the fastest counts.
CHUNKS = [32, 64, 128, 256, 512, 1024, 2048]
# Scores that the peer may have on the card at a time: 16 GB.
MOST_SCORES = 1 << 33
# Queries, one after the other, that a time for one is the mean of.
SINGLES = 200


def unit_rows(count, dim, seed):
    """float32 [count, dim] of length 1, in main memory; made on the card."""
    import torch

    generator = torch.Generator("cuda").manual_seed(seed)
    rows = torch.empty(count, dim)
    for begin in range(0, count, 1 << 18):
        block = torch.randn(min(1 << 18, count - begin), dim, device="cuda", generator=generator)
        rows[begin : begin + len(block)] = torch.nn.functional.normalize(block).cpu()
    return rows


class Peer:
    def __init__(self, rows, k):
        import torch

        self.torch, self.k = torch, k
        self.labels = torch.empty(rows.shape, dtype=torch.float16, device="cuda")
        for begin in range(0, len(rows), 1 << 18):
            self.labels[begin : begin + (1 << 18)] = rows[begin : begin + (1 << 18)].cuda().half()

    def search(self, queries, chunk):
        found = [self.torch.topk(part @ self.labels.T, self.k) for part in queries.split(chunk)]
        return self.torch.cat([part.indices for part in found])

    def graph_of_one(self, query):
        """Both operations for one query in a CUDA graph; `query` is where it reads."""
        side = self.torch.cuda.Stream()
        with self.torch.cuda.stream(side):
            for _ in range(3):
                self.torch.topk(query @ self.labels.T, self.k)
        self.torch.cuda.synchronize()
        graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(graph):
            self.torch.topk(query @ self.labels.T, self.k)
        return graph


def seconds_of(function):
    import torch

    torch.cuda.synchronize()
    begin = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return time.perf_counter() - begin


def best_chunk(peer, queries, labels):
    seconds = {}
    for chunk in CHUNKS:
        if chunk > len(queries) or chunk * labels > MOST_SCORES:
            continue
        peer.search(queries, chunk)
        seconds[chunk] = seconds_of(lambda chunk=chunk: peer.search(queries, chunk))
    return min(seconds, key=seconds.get), {chunk: round(len(queries) / value) for chunk, value in seconds.items()}


def share_found(expected, found):
    """Of the labels that exact search finds."""
    return statistics.fmean(len(set(a) & set(b)) / len(a) for a, b in zip(expected.tolist(), found.tolist(), strict=True))


def measure_batches(peer, index, queries, k, repetitions):
    """Seconds for all queries."""
    half, in_memory = queries.half(), queries.cpu().numpy()
    chunk, tried = best_chunk(peer, half, index.num_labels)
    notices = []
    expected = index.search(queries, k, on_event=lambda event: notices.append(event.message)).labels
    seconds = {"peer": [], "lmtx": [], "lmtx_numpy": []}
    for _ in range(repetitions):
        seconds["peer"].append(seconds_of(lambda: peer.search(half, chunk)))
        seconds["lmtx"].append(seconds_of(lambda: index.search(queries, k)))
        seconds["lmtx_numpy"].append(seconds_of(lambda: index.search(in_memory, k)))
    found = share_found(expected[:256], peer.search(half[:256], chunk))
    more = {"peer_chunk": chunk, "peer_chunks": tried, "peer_found": round(found, 5), "notices": [notice for notice in notices if notice]}
    return {"seconds": seconds, "queries": len(queries), **more}


def measure_one(peer, index, queries, k, repetitions):
    """Seconds a query."""
    half, in_memory = queries.half(), queries.cpu().numpy()
    place = half[:1].clone()
    graph = peer.graph_of_one(place)

    def one_by_one(search):
        def run():
            for i in range(SINGLES):
                search(i % len(queries))

        return seconds_of(run) / SINGLES

    def replay(i):
        place.copy_(half[i : i + 1])
        graph.replay()
        peer.torch.cuda.synchronize()

    def eager(i):
        peer.torch.topk(half[i : i + 1] @ peer.labels.T, k)
        peer.torch.cuda.synchronize()

    contestants = {
        "peer_eager": eager,
        "peer_graph": replay,
        "lmtx": lambda i: index.search(queries[i : i + 1], k),
        "lmtx_numpy": lambda i: index.search(in_memory[i : i + 1], k),
    }
    for search in contestants.values():
        one_by_one(search)
    seconds = {name: [] for name in contestants}
    for _ in range(repetitions):
        for name, search in contestants.items():
            seconds[name].append(one_by_one(search))
    # The better of the two is the peer.
    kind = min(("peer_eager", "peer_graph"), key=lambda name: statistics.median(seconds[name]))
    return {"seconds": {**seconds, "peer": seconds[kind]}, "peer_kind": kind}


def measure(labels, dim, k, batch, repetitions, seed=1, profiled=False):
    import lmtx
    import torch

    rows = unit_rows(labels, dim, seed)
    queries = unit_rows(batch, dim, seed + 1).cuda()
    begin = time.perf_counter()
    index = lmtx.LabelIndex.build(rows.numpy(), normalize=False)
    built = time.perf_counter() - begin
    index = index.to("cuda")
    seconds = {"build_seconds": built, "upload_seconds": time.perf_counter() - begin - built}
    found = {"labels": labels, "dim": dim, "k": k, "card": torch.cuda.get_device_name(), **seconds}
    if profiled:
        profile(index, queries, k)
    peer = Peer(rows, k)
    del rows
    found["one"] = {**measure_one(peer, index, queries[:64], k, repetitions), "fixed_milliseconds": fixed_milliseconds(k, dim)}
    found["batches"] = measure_batches(peer, index, queries, k, repetitions)
    return found


def figure_of(seconds):
    rounded = {name: [float(f"{value:.4g}") for value in values] for name, values in seconds.items()}
    return {"figure": asdict(median_ratio(seconds["peer"], seconds["lmtx"])), "seconds": rounded}


def profile(index, queries, k):
    """What the card does for one query, and for all, on standard error."""
    import torch
    from torch.profiler import ProfilerActivity

    for name, parts in {"20 single queries": queries[:20].split(1), f"{len(queries):,} queries": [queries]}.items():
        with torch.profiler.profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
            seconds = seconds_of(lambda parts=parts: [index.search(part, k) for part in parts])
        print(f"{name}: {1e3 * seconds:.3f} ms under the profiler", file=sys.stderr)
        print(profiler.key_averages().table(sort_by="cuda_time_total", row_limit=25, max_name_column_width=60), file=sys.stderr)


def fixed_milliseconds(k, dim):
    """Of one query, however few labels there are."""
    import lmtx

    index = lmtx.LabelIndex.build(unit_rows(1000, dim, 1).numpy(), normalize=False).to("cuda")
    query = unit_rows(1, dim, 2).cuda()
    seconds_of(lambda: [index.search(query, k) for _ in range(SINGLES)])
    return round(1e3 * seconds_of(lambda: [index.search(query, k) for _ in range(SINGLES)]) / SINGLES, 4)


def row_of_batches(found, peak):
    seconds, queries = found["batches"]["seconds"], found["batches"]["queries"]
    speeds = {name: round(queries / statistics.median(values)) for name, values in seconds.items()}
    products = 2 * found["labels"] * found["dim"]
    shares = {f"{name}_peak_share": round(products * speeds[name] / peak, 3) for name in ("peer", "lmtx")} if peak else {}
    more = {name: found["batches"][name] for name in ("queries", "peer_chunk", "peer_chunks", "peer_found", "notices")}
    return {**figure_of(seconds), **speeds, **shares, **more}


def row_of_one(found):
    seconds = found["one"]["seconds"]
    milliseconds = {name: round(1e3 * statistics.median(values), 4) for name, values in seconds.items()}
    # The labels are read once, in bytes.
    rate = round(found["labels"] * found["dim"] / statistics.median(seconds["lmtx"]) / 1e9)
    more = {name: found["one"][name] for name in ("peer_kind", "fixed_milliseconds")} | {"lmtx_gigabytes_per_second": rate}
    return {**figure_of(seconds), **milliseconds, **more}


def measure_search(bench, labels, wanted):
    """For cuda.py: its rows by name. In a process of its own, so that the card is free afterwards."""
    settings = bench.settings
    command = [sys.executable, __file__, "--labels", str(labels), "--dim", str(settings["shape"][1]), "-k", str(settings["k"])]
    done = subprocess.run([*command, "--repetitions", str(settings["repetitions"]), "--seed", str(settings["seed"])], capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr, flush=True)
        return dict.fromkeys(wanted, {"not_run": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"})
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: row_of_one(found) if name.endswith("-one") else row_of_batches(found, bench.peak) for name in wanted}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=int, default=500_000)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("-k", type=int, default=100)
    parser.add_argument("--batch", type=int, help="queries; by default about a tenth of a second's work")
    parser.add_argument("--repetitions", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="also for people, on standard error")
    parser.add_argument("--profile", action="store_true", help="show what the card does, on standard error")
    arguments = parser.parse_args()
    batch = arguments.batch or max(1024, min(65_536, (16_384 * 500_000) // arguments.labels // 1024 * 1024))
    found = measure(arguments.labels, arguments.dim, arguments.k, batch, arguments.repetitions, arguments.seed, arguments.profile)
    if arguments.table:
        for name, row in {"one": row_of_one(found), "batches": row_of_batches(found, None)}.items():
            print(name, {key: value for key, value in row.items() if key != "seconds"}, file=sys.stderr)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
