"""Which packages `import lmtx` loads, and in which company."""

import itertools
import subprocess
import sys

import pytest

import lmtx


def run(program, **env):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_torch_is_not_imported_but_its_libraries_are():
    result = run("import lmtx, sys; print('torch' in sys.modules, any('libtorch_cpu' in line for line in open('/proc/self/maps')))")
    assert result.stdout.split() == ["False", "True"], result.stderr


@pytest.mark.parametrize("order", list(itertools.permutations(["torch", "sentence_transformers", "lmtx"])), ids=" ".join)
def test_packages_work_in_every_order(order, model):
    program = f"""
import {', '.join(order)}
import torch, sentence_transformers, lmtx
ours = lmtx.Encoder.load({str(model)!r}).encode('tax bill', out='torch')
theirs = sentence_transformers.SentenceTransformer({str(model)!r}, device='cpu').encode('tax bill', convert_to_tensor=True)
assert torch.allclose(ours, theirs, atol=1e-5)
runtimes = set(line.split()[-1] for line in open('/proc/self/maps') if '/libgomp' in line or '/libiomp' in line or '/libomp' in line)
# scikit-learn, which sentence_transformers imports, brings one of its own.
print(len([name for name in runtimes if 'scikit_learn' not in name]))
"""
    result = run(program)
    assert result.stdout.split()[-1:] == ["1"], result.stderr


def test_a_missing_torch_is_a_full_sentence():
    result = run("import importlib.util as u; find = u.find_spec; u.find_spec = lambda name, *a: None if name == 'torch' else find(name, *a); import lmtx")
    assert "ImportError: LMTX computes with PyTorch's libraries, but the package torch is not installed; install torch " in result.stderr


def test_another_torch_is_a_full_sentence(tmp_path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text("__version__ = '1.2.3'\n")
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import lmtx")
    assert f"ImportError: LMTX was built with torch {lmtx.built_with_torch()}, but torch 1.2.3 is installed in {tmp_path / 'torch'};" in result.stderr
    assert "torch" not in result.stdout


def test_versions_agree():
    assert lmtx.__version__ == lmtx.version() == lmtx._build_info.VERSION
    assert lmtx.built_with_torch() == lmtx._build_info.TORCH


def test_everything_named_is_there():
    assert sorted(lmtx.__all__) == lmtx.__all__ or set(lmtx.__all__)
    assert all(hasattr(lmtx, name) for name in lmtx.__all__)
