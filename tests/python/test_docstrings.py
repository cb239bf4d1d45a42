"""Every public name says what it takes and gives, and its example runs."""

import dataclasses
import doctest
import inspect

import numpy as np
import pytest

import lmtx
import tiny

OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE


def public_objects():
    """What is public by name; of lmtx.teachers the functions, as its classes are what they make."""
    teachers = {f"teachers.{name}": getattr(lmtx.teachers, name) for name in lmtx.teachers.__all__}
    return {name: getattr(lmtx, name) for name in lmtx.__all__} | {name: value for name, value in teachers.items() if inspect.isfunction(value)}


def members(cls):
    """What a class of ours offers by name, constructors and what indexes it included."""
    shown = ("__init__", "__getitem__", "__getattr__")
    named = {name: value for name, value in vars(cls).items() if not name.startswith("_") or name in shown}
    return {name: value for name, value in named.items() if callable(value) or isinstance(value, staticmethod | property)}


def docstring(value):
    return (value.__func__ if isinstance(value, staticmethod) else value).__doc__ or ""


def text_of(doc):
    """A docstring without the lines of signatures that pybind11 puts into it."""
    lines = [line for line in doc.splitlines() if " -> " not in line and line.strip() not in ("", "Overloaded function.", "*args, **kwargs")]
    return "\n".join(lines)


def documented():
    """Everything public that is to have a docstring, by name."""
    found = {}
    for name, value in public_objects().items():
        found[name] = docstring(value)
        if inspect.isclass(value):
            # Exceptions are made by Python: they have no members of their own. Dataclasses name their fields in the docstring of the class.
            made = {"__init__"} if dataclasses.is_dataclass(value) else set()
            found |= {f"{name}.{member}": docstring(attribute) for member, attribute in members(value).items() if not issubclass(value, Exception) and member not in made}
    return found


def test_everything_public_has_a_docstring():
    # The constructors of what only the library makes are pybind11's own, and Tagger.report is a value.
    assert [name for name, doc in documented().items() if not text_of(doc)] == []


def methods(cls):
    """What is called by name: neither attributes, which their docstrings show in a line, nor what Python calls."""
    return {name: value for name, value in members(cls).items() if not name.startswith("_") and not isinstance(value, property)}


def test_every_public_class_function_and_method_has_an_example():
    found = {name: docstring(value) for name, value in public_objects().items()}
    for name, value in public_objects().items():
        if inspect.isclass(value) and not issubclass(value, Exception):
            found |= {f"{name}.{method}": docstring(function) for method, function in methods(value).items()}
    assert [name for name, doc in found.items() if ">>> " not in doc] == []


def test_arrays_have_dtype_and_shape_and_errors_are_named():
    """A check by words: whatever takes or gives arrays says so, and whatever refuses input says with what."""
    functions = {name: docstring(value) for name, value in public_objects().items() if not inspect.isclass(value)}
    arrays = [name for name, doc in functions.items() if "ndarray" in doc and not ("float64 [" in doc or "int64 [" in doc)]
    checked = [name for name, doc in functions.items() if "(targets" in doc or "resamples" in doc]
    assert arrays == []
    assert [name for name in checked if "Raises:" not in functions[name] and "rguments and errors as in" not in functions[name]] == []


@pytest.fixture(scope="module")
def place(model, data, tmp_path_factory):
    """Where the examples run: a model, the files of a task, and a tagger."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "model").symlink_to(model)
    for file in data.iterdir():
        (folder / file.name).symlink_to(file)
    lmtx.Tagger.from_labels(lmtx.Encoder.load(model), lmtx.LabelSet.open(data / "labels.jsonl")).save(folder / "tagger")
    return folder


@pytest.fixture(scope="module")
def names(place, model):
    """What the examples take for granted."""
    files = {"documents": place / "train.jsonl", "labels": place / "labels.jsonl", "teacher": f"recorded:{place / 'verdicts.jsonl'}"}
    options = {"development": 0, "batch_size": 10, "cycles": 2, "judgments_per_cycle": 5}
    tagger = lmtx.train(**files, base=model, out=place / "run-of-tagger", progress=False, **options)
    trainer = lmtx.CurriculumTrainer(
        lmtx.Encoder.load(model), lmtx.Corpus.open(files["documents"]), lmtx.LabelSet.open(files["labels"]),
        lmtx.RecordedOracle.open(place / "verdicts.jsonl"), folder=place / "run-of-trainer", options=lmtx.TrainerOptions(cycles=1, development=0)
    )  # fmt: skip
    return {"lmtx": lmtx, "np": np, "tiny": tiny, "tagger": tagger, "trainer": trainer}


def modules_names(value):
    """The names of the module that a Python function is in; those of C++ see none."""
    return dict(vars(inspect.getmodule(value))) if inspect.isfunction(value) else {}


@pytest.mark.parametrize("name", public_objects())
def test_the_examples_run(name, names, place, monkeypatch):
    monkeypatch.chdir(place)
    value = public_objects()[name]
    docs = [docstring(value)] + ([docstring(member) for member in members(value).values()] if inspect.isclass(value) else [])
    example = doctest.DocTestParser().get_doctest("\n\n".join(docs), modules_names(value) | names, name, None, 0)
    failures = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(example, out=failures.append)
    assert not failures, "".join(failures)
