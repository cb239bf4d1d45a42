"""Rows as processes of their own, several at once, until all are done or the time is up. Needs the standard library only."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

# Seconds between two looks at what runs.
PAUSE = 0.2


@dataclass
class Job:
    title: str
    arguments: list
    # Titles of jobs that have to be done before.
    needs: list = field(default_factory=list)


class Running:
    """A process; the last line it prints is its result."""

    def __init__(self, job, program, environment):
        self.job, self.begin = job, time.monotonic()
        self._output, self._errors = (tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") for _ in range(2))
        self._process = subprocess.Popen([sys.executable, program, *job.arguments], env=environment, stdout=self._output, stderr=self._errors)

    def is_done(self):
        return self._process.poll() is not None

    def result(self):
        """What it printed last, as JSON; RuntimeError with its last words where it failed."""
        lines = self._text(self._output).splitlines()
        if self._process.returncode != 0 or not lines:
            last = (self._text(self._errors).strip().splitlines() or ["no output"])[-1]
            raise RuntimeError(f"exit code {self._process.returncode}: {last}")
        return json.loads(lines[-1])

    def end(self):
        self._process.terminate()
        self._process.wait()

    @staticmethod
    def _text(file):
        file.seek(0)
        return file.read()


def run_all(program, jobs, workers, seconds, on_result, on_failure):
    """Runs jobs in their order, `workers` at once, for at most so many seconds (None: no limit); on_result(job, result, seconds), on_failure(job, error).

    Returns:
        The jobs that were not done: not begun, or ended because the time was up. What needs a failed job is left out with it.
    """
    begin = time.monotonic()
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    environment = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": threads, **os.environ}
    waiting, running, open_titles, failed = list(jobs), [], {job.title for job in jobs}, set()
    try:
        while waiting or running:
            if seconds is not None and time.monotonic() - begin > seconds:
                break
            for done in [one for one in running if one.is_done()]:
                running.remove(done)
                open_titles.discard(done.job.title)
                try:
                    on_result(done.job, done.result(), time.monotonic() - done.begin)
                except RuntimeError as error:
                    failed.add(done.job.title)
                    on_failure(done.job, error)
            for job in [job for job in waiting if failed.intersection(job.needs)]:
                waiting.remove(job)
                failed.add(job.title)
                on_failure(job, RuntimeError("what it needs failed"))
            ready = [job for job in waiting if not open_titles.intersection(job.needs)][: workers - len(running)]
            for job in ready:
                waiting.remove(job)
                running.append(Running(job, program, environment))
            time.sleep(PAUSE)
        return [one.job for one in running] + waiting
    finally:
        for one in running:
            one.end()
