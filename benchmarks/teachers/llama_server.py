"""The server of llama-cpp-python."""

import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

# What llama-cpp-python says of each request: how much of the prompt it had computed before.
COMPUTED = re.compile(rb"(\d+) prefix-match hit, remaining (\d+) prompt tokens to eval")


class Server:
    """Runs while the context lasts, on a free port of this machine."""

    def __init__(self, python, model, n_ctx, threads):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/v1"
        self._command = [python, "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1", "--port", str(self._port)]
        self._command += ["--n_ctx", str(n_ctx), "--n_threads", str(threads), "--n_threads_batch", str(threads), "--logits_all", "true", "--verbose", "true"]
        self._log = tempfile.TemporaryFile()
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended: {self._read()[-500:].decode(errors='replace')}")
            time.sleep(0.2)
        return self

    def __exit__(self, *error):
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def _answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/models", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False

    def cpu_seconds(self):
        """Of its process, all threads together."""
        with open(f"/proc/{self._process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def computed_tokens(self):
        """Prompt tokens that it has computed so far, as its log says."""
        return sum(int(remaining) for _, remaining in COMPUTED.findall(self._read()))

    def _read(self):
        with open(f"/proc/self/fd/{self._log.fileno()}", "rb") as log:
            return log.read()
