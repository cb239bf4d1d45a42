import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

# Threads that wait spin for a while; on a machine that does other work besides, tiny tasks would mostly spin.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Shells let what they run in the background ignore Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, str(Path(__file__).parent))  # tiny.py, also for teachers named on the command line

import tiny  # noqa: E402


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """The folder of a tiny encoder."""
    return tiny.write_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """A data folder of the tiny task, with recorded verdicts on every pair."""
    folder = tiny.write_data(tmp_path_factory.mktemp("data") / "topics")
    tiny.write_recording(folder / "verdicts.jsonl", tiny.make_documents())
    return folder


# Enough to learn the tiny task in a second or two.
FAST = {"preset": "paper", "cycles": 2, "epochs": 4, "batch_size": 10, "learning_rate": 2e-3, "warmup": 0.1, "document_length": 32, "judgments_per_cycle": 5, "development": 0}


@pytest.fixture
def fast() -> dict:
    return dict(FAST)


@pytest.fixture(scope="session")
def tagger_folder(model, data, tmp_path_factory) -> Path:
    """A trained tagger."""
    import lmtx

    out = tmp_path_factory.mktemp("runs") / "run"
    tagger = lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=f"recorded:{data / 'verdicts.jsonl'}", base=model, out=out, progress=False, **FAST)
    return Path(tagger.report.tagger_folder)
