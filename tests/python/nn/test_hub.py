"""Encoders by their names on the Hugging Face hub, out of a cache as huggingface_hub lays it out; no test asks the hub."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lmtx

MODEL = Path(__file__).parents[2] / "data" / "models" / "mpnet-dense"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

SCRIPT = """
import json, sys, lmtx
said = {}
for name in sys.argv[1:]:
    try:
        said[name] = lmtx.Encoder.load(name).encode("a bad cab").tolist()
    except ValueError as error:
        said[name] = str(error)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Of one model, tiny/model, and of one that was fetched without its weights."""
    cache = tmp_path_factory.mktemp("hub")
    for name in ("model", "half"):
        repository = cache / f"models--tiny--{name}"
        snapshot = repository / "snapshots" / COMMIT
        (repository / "blobs").mkdir(parents=True)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(COMMIT)
        for i, file in enumerate(sorted(file for file in MODEL.rglob("*") if file.is_file())):
            if name == "half" and file.name == "model.safetensors":
                continue
            blob, link = repository / "blobs" / str(i), snapshot / file.relative_to(MODEL)
            blob.write_bytes(file.read_bytes())
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))
    return cache


def load_elsewhere(cache, *names, **variables):
    """What Encoder.load gives for the names in a process with these variables: the vector of a text, or the error."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    run = subprocess.run([sys.executable, "-c", SCRIPT, *names], env=env | {"HF_HUB_CACHE": str(cache)} | variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_cached_model_loads_by_its_name_without_network(cache):
    said = load_elsewhere(cache, "tiny/model", "tiny/other", HF_HUB_OFFLINE="1")
    assert said["tiny/model"] == lmtx.Encoder.load(MODEL).encode("a bad cab").tolist()
    assert (
        said["tiny/other"] == f"tiny/other is no folder, no model of that name is in the cache {cache}, and HF_HUB_OFFLINE forbids asking the Hugging Face hub."
    )


def test_a_cached_model_loads_where_the_hub_cannot_be_reached(cache):
    said = load_elsewhere(cache, "tiny/model", "tiny/other", HF_ENDPOINT="http://127.0.0.1:9")
    assert said["tiny/model"] == lmtx.Encoder.load(MODEL).encode("a bad cab").tolist()
    assert said["tiny/other"] == f"tiny/other is no folder, no model of that name is in the cache {cache}, and the Hugging Face hub cannot be reached."


def test_a_cached_model_without_its_weights_is_refused(cache, monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(RuntimeError, match="models--tiny--half/snapshots/.*: model.safetensors is missing."):
        lmtx.Encoder.load("tiny/half")


def test_a_name_needs_the_hubs_client(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        ValueError, match="tiny/model is no folder, and to fetch a model of that name from the Hugging Face hub the package huggingface_hub must be installed."
    ):
        lmtx.Encoder.load("tiny/model")


def test_what_is_neither_folder_nor_name_is_refused(tmp_path):
    for name in (tmp_path / "none", "none", "./tiny/model", "a/b/c"):
        with pytest.raises(ValueError, match=f"{name} is no folder of a model."):
            lmtx.Encoder.load(name)
