"""Which packages `import lmtx` loads, and in which company."""

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import lmtx


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_torch_is_not_imported_but_its_libraries_are():
    result = run("import lmtx, sys; print('torch' in sys.modules, any('libtorch_cpu' in line for line in open('/proc/self/maps')))")
    assert result.stdout.split() == ["False", "True"], result.stderr


PACKAGES = ["torch", "faiss", "sentencepiece", "sentence_transformers", "lmtx"]
# Each is first once and last once.
ROTATIONS = [tuple(PACKAGES[i:] + PACKAGES[:i]) for i in range(len(PACKAGES))]


def work_in_order(order, model):
    """A fresh process that imports in this order and works with all of them; None, or what went wrong."""
    program = f"""
import {', '.join(order)}
import io, numpy
ours = lmtx.Encoder.load({str(model)!r}).encode(['tax bill', 'army'] * 40)
theirs = sentence_transformers.SentenceTransformer({str(model)!r}, device='cpu').encode(['tax bill', 'army'] * 40)
assert numpy.allclose(ours, theirs, atol=1e-5)
rows = numpy.random.default_rng(0).standard_normal((300, 16)).astype(numpy.float32)
peer = faiss.IndexHNSWFlat(16, 8)
peer.add(rows)
exact = faiss.IndexFlatIP(16)
exact.add(rows)
index = lmtx.LabelIndex.build(rows, normalize=False)
assert (index.search(rows, 5).labels == exact.search(rows, 5)[1]).all()
assert len(lmtx.LabelIndex.build(rows, method='hnsw').search(rows, 5).labels) == len(peer.search(rows, 5)[1])
pieces = io.BytesIO()
options = dict(vocab_size=20, hard_vocab_limit=False, minloglevel=9)
sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(['tax on trade', 'the army'] * 9), model_writer=pieces, **options)
assert sentencepiece.SentencePieceProcessor(model_proto=pieces.getvalue()).encode('tax')
assert torch.ones(300, 300).matmul(torch.ones(300, 300))[0, 0] == 300
runtimes = set(line.split()[-1] for line in open('/proc/self/maps') if '/libgomp' in line or '/libiomp' in line or '/libomp' in line)
# These wheels bring one of their own (scikit-learn is imported by sentence_transformers).
others = ('scikit_learn.libs', 'faiss_cpu.libs', 'sentencepiece.libs')
assert len([name for name in runtimes if not any(other in name for other in others)]) == 1, runtimes
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "2"})
    return None if result.returncode == 0 else f"{' '.join(order)}: exit code {result.returncode}\n{result.stderr}"


@pytest.mark.parametrize("order", ROTATIONS, ids=" ".join)
def test_packages_work_whichever_comes_first_or_last(order, model):
    assert work_in_order(order, model) is None


@pytest.mark.long
def test_packages_work_in_all_120_orders(model):
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        faults = [fault for fault in pool.map(lambda order: work_in_order(order, model), itertools.permutations(PACKAGES)) if fault]
    assert not faults, f"{len(faults)} of 120 orders failed:\n" + "\n".join(faults)


def test_a_missing_torch_is_a_full_sentence():
    result = run("import importlib.util as u; find = u.find_spec; u.find_spec = lambda name, *a: None if name == 'torch' else find(name, *a); import lmtx")
    assert "ImportError: LMTX computes with PyTorch's libraries, but the package torch is not installed; install torch " in result.stderr


def test_another_torch_is_a_full_sentence(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text("__version__ = '1.2.3'\n")
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import lmtx")
    assert f"ImportError: LMTX was built with torch {lmtx.built_with_torch()}, but torch 1.2.3 is installed in {tmp_path / 'torch'};" in result.stderr
    assert f"Install torch {lmtx.built_with_torch().split('+')[0]}" in result.stderr and "or build LMTX with the torch that is there." in result.stderr


@pytest.mark.parametrize("case", ["without its version", "without its libraries"])
def test_a_torch_that_is_no_whole_one_is_a_full_sentence(tmp_path, case):
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").touch()
    if case == "without its libraries":
        (package / "version.py").write_text(f"__version__ = '{lmtx.built_with_torch()}'\n")
        said = f"ImportError: LMTX could not load torch's libraries from {package / 'lib'}: "
    else:
        said = f"but torch of an unknown version is installed in {package};"
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import lmtx")
    assert result.returncode == 1 and said in result.stderr
    assert result.stderr.rstrip().endswith("or build LMTX with the torch that is there.")


def test_another_torch_that_was_imported_before_is_a_full_sentence(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text("__version__ = '1.2.3'\n")
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import torch; del sys.path[0]; import lmtx")
    assert f"but torch 1.2.3 is installed in {tmp_path / 'torch'};" in result.stderr


def test_versions_agree():
    assert lmtx.__version__ == lmtx.version() == lmtx._build_info.VERSION
    assert lmtx.built_with_torch() == lmtx._build_info.TORCH


def test_everything_named_is_there():
    assert sorted(lmtx.__all__) == lmtx.__all__ or set(lmtx.__all__)
    assert all(hasattr(lmtx, name) for name in lmtx.__all__)


def test_teachers_bring_their_packages_only_when_they_are_used():
    heavy = "{'asyncio', 'transformers', 'llama_cpp', 'sentence_transformers'} & set(sys.modules)"
    result = run(f"import sys, lmtx; lmtx.teachers.human(); print({heavy}); lmtx.teachers.concurrent; print({heavy}); lmtx.teachers.transformers; print({heavy})")
    assert result.stdout.splitlines()[:2] == ["set()", "{'asyncio'}"] and "'transformers'" not in result.stdout, result.stderr
