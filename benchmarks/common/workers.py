"""Processes of their own for what is compared, so that thread pools and caches of one do not disturb another. Needs the standard library only."""

import json
import os
import subprocess
import sys
import tempfile
import traceback


class WorkerError(Exception):
    """What a worker answered instead of a result, or its last words."""


class Worker:
    """A Python process that answers one call at a time and otherwise sleeps."""

    def __init__(self, command, environment):
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, encoding="utf-8")

    def call(self, method, **arguments):
        try:
            print(json.dumps({"call": method, **arguments}), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise WorkerError(self.last_words())
        answer = json.loads(answer)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["result"]

    def last_words(self):
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().splitlines()
        return lines[-1] if lines else f"the process ended with exit code {self.process.returncode}"

    def output(self, characters=4000):
        """The last of what it wrote to standard error, and to standard output beside its answers."""
        position = self.errors.tell()
        self.errors.seek(0)
        written = self.errors.read()
        self.errors.seek(position)
        return written[-characters:]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def serve(make_subject):
    """The other side: calls methods of what `make_subject` makes, until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What libraries print would else stand among the answers.
    os.dup2(2, 1)
    subject = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            subject = subject or make_subject()
            answer = {"result": getattr(subject, request.pop("call"))(**request)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": one_line(error)}
        print(json.dumps(answer), file=answers, flush=True)


def one_line(error):
    """Messages of pybind11 hold all arguments."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:200]}"


def peak_memory():
    """Bytes of physical memory that this process held at most. Not ru_maxrss, which counts its parent's where it was forked."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
