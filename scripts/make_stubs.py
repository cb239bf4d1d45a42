"""Writes the type stubs of lmtx._core out of the compiled module, whose docstrings open with signatures.

    PYTHONPATH=build/python python scripts/make_stubs.py [FILE]

FILE is python/lmtx/_core.pyi unless given. A test compares the committed file with what this gives.
"""

import inspect
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "python" / "lmtx" / "_core.pyi"
HEADER = '''"""Type stubs of the compiled module. Made by scripts/make_stubs.py; do not edit."""

import collections.abc
import os
import pathlib
import typing

import numpy
import numpy.typing

'''
# What pybind11 cannot know or says too widely.
REPLACEMENTS = [
    (r"lmtx\._core\.", ""),
    (r"typing\.SupportsInt \| typing\.SupportsIndex", "int"),
    (r"typing\.SupportsFloat \| typing\.SupportsIndex", "float"),
    (r"os\.PathLike \| str \| bytes", "str | os.PathLike[str]"),
    (r"store: object", "store: str | os.PathLike[str] | JudgmentStore"),
    (r"store: str \| os\.PathLike\[str\] \| JudgmentStore = None", "store: str | os.PathLike[str] | JudgmentStore | None = None"),
    (r"(allow|deny|groups|within|of): object = None", r"\1: str | collections.abc.Iterable[str] | None = None"),
    (r"uids: object", "uids: str | collections.abc.Iterable[str]"),
    (r"members: object = None", "members: collections.abc.Mapping[str, str | collections.abc.Iterable[str]] | None = None"),
    (r"on_event: object", "on_event: collections.abc.Callable[[Event], None] | None"),
    (r"(rows|queries): object", r"\1: numpy.typing.NDArray[numpy.float32]"),
    (r"verdicts: object", "verdicts: collections.abc.Sequence[Verdict | float | bool | None]"),
    (r"function: object", "function: collections.abc.Callable[[str, list[str]], collections.abc.Sequence[Verdict | float | bool | None]]"),
    (r"documents: object", "documents: typing.Any"),
    (r"rule: object", "rule: collections.abc.Callable[[str, str], Verdict | float | bool | None]"),
    (r"ranked: collections\.abc\.Sequence\[collections\.abc\.Sequence\[int\]\]", "ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64] | RankedLists"),
    (r"rankings: collections\.abc\.Sequence\[object\]", "rankings: collections.abc.Sequence[typing.Any]"),
    (r"\(self: RankedLists, labels: object, scores: object\)", "(self, labels: typing.Any, scores: typing.Any)"),
    (r"\(self: object", "(self"),
    (r"numpy\.ndarray\[typing\.Any, numpy\.dtype\[(.*?)\]\]", r"numpy.typing.NDArray[\1]"),
    (r"typing\.Annotated\[numpy\.typing\.ArrayLike, numpy\.(float64|int64)\]", "numpy.typing.ArrayLike"),
    (r"\*\*kwargs", "**options: int | float | bool | str"),
    (r"fields: dict\b", "fields: dict[str, typing.Any]"),
    (r"= (<[^>]*>|\[\])", "= ..."),
    # Defaults that are objects print as their repr.
    (r"(: (?:TaggerSettings|TeacherTraits|Usage|TrainerOptions)) = \w+\((?:[^()]|\([^()]*\))*\)", r"\1 = ..."),
]
# Methods whose results pybind11 calls object.
RETURNS = {
    ("JudgmentRows", "__iter__"): "JudgmentRows",
    ("Encoder", "encode"): "numpy.typing.NDArray[numpy.float32]",
    ("Encoder", "encode_to_file"): "numpy.typing.NDArray[typing.Any]",
    ("Tokenizer", "encode"): "list[numpy.typing.NDArray[numpy.int32]]",
    ("TrainerOptions", "to_dict"): "dict[str, int | float | bool | str]",
    ("TrainerOptions", "__getattr__"): "typing.Any",
    ("DocumentReader", "__iter__"): "DocumentReader",
    ("LabelMatches", "labels"): "numpy.typing.NDArray[numpy.int64]",
    ("LabelMatches", "scores"): "numpy.typing.NDArray[numpy.float32]",
    ("", "refine_labels"): "tuple[numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32]]",
    ("RankedLists", "labels"): "numpy.typing.NDArray[numpy.int64]",
    ("RankedLists", "scores"): "numpy.typing.NDArray[numpy.float32]",
    ("RankedLists", "offsets"): "numpy.typing.NDArray[numpy.int64]",
    ("RankedLists", "scores_of"): "numpy.typing.NDArray[numpy.float32]",
    ("RankedLists", "__getitem__"): "numpy.typing.NDArray[numpy.int64]",
    ("LabelSet", "__iter__"): "collections.abc.Iterator[Label]",
}
# What Python subclasses of TeacherOracle add: no method of the C++ class has a body to bind.
EXTRA = {
    "TeacherOracle": ['def judge(self, questions: list[Question], answers: AnswerSink) -> None:\n    """Answers questions with answers.put(question, verdicts); to be overridden."""'],
    "Tagger": [
        "report: TrainingReport | None",
        # lmtx.bulk.tag_frame.
        ("def tag_frame(self, frame: typing.Any, *, text: str | None = None, title: str | None = None, content: str | None = None, k: int = 0, explode: bool = False, "
        "column: str = 'tags', on_error: str = 'stop', on_event: collections.abc.Callable[[Event], None] | None = None) -> typing.Any: ..."),
    ],
    "PairsOpen": ["pairs: int"],
    "DecisionRule": ["fewest_gold: typing.ClassVar[int]"],
}


# lmtx.tables gives these theirs.
EXTRA |= {
    name: [*EXTRA.get(name, []), "def _repr_html_(self) -> str: ..."]
    for name in ("AskingReport", "Comparison", "CycleReport", "InputReport", "Interval", "Plan", "TrainerOptions", "TrainingReport")
}


def make_stubs(module: ModuleType) -> str:
    members = [(name, value) for name, value in vars(module).items() if not name.startswith("_")]
    parts = [_class_stub(name, value) if inspect.isclass(value) else _function_stubs(value, "") for name, value in members]
    return HEADER + "\n\n".join(parts) + "\n"


def _class_stub(name: str, cls: type) -> str:
    base = cls.__bases__[0]
    bases = "" if base.__name__ in ("object", "pybind11_object") else f"({base.__name__})"
    body = [f'"""{_clean_doc(cls.__doc__)}"""'] if cls.__doc__ else []
    body += EXTRA.get(name, [])
    for member, value in vars(cls).items():
        stub = _member_stub(name, member, value)
        if stub:
            body.append(stub)
    return f"class {name}{bases}:\n" + textwrap.indent("\n".join(body) or "...", "    ")


def _member_stub(class_name: str, name: str, value: Any) -> str | None:
    if isinstance(value, property):
        return _property_stub(class_name, name, value)
    if name.startswith("__") and name not in ("__init__", "__len__", "__iter__", "__next__", "__getitem__", "__getattr__", "__eq__", "__hash__"):
        return None
    function = value.__func__ if isinstance(value, staticmethod) else value
    if not callable(function) or not (function.__doc__ or "").startswith(f"{name}("):
        return None
    return _function_stubs(function, class_name, static=isinstance(value, staticmethod) or not _takes_self(function))


def _takes_self(function: Any) -> bool:
    return "(self" in _signatures(function)[0][0]


def _property_stub(class_name: str, name: str, value: property) -> str:
    doc = value.fget.__doc__ or ""
    found = re.search(r"-> (.*)", doc)
    kind = RETURNS.get((class_name, name)) or _tidy(found.group(1) if found else "typing.Any")
    stub = f"@property\ndef {name}(self) -> {kind}:"
    text = _clean_doc(value.__doc__ or "")
    return stub + (f'\n    """{text}"""' if text else " ...")


def _function_stubs(function: Any, class_name: str, static: bool = False) -> str:
    signatures = [variant for signature in _signatures(function) for variant in _variants(class_name, *signature)]
    decorators = ["@typing.overload"] * (len(signatures) > 1) + ["@staticmethod"] * (static and bool(class_name))
    stubs = []
    for signature, doc in signatures:
        name = signature.partition("(")[0]
        if (class_name, name) in RETURNS and not signature.endswith("-> typing.Any"):
            signature = signature.rpartition(" -> ")[0] + " -> " + RETURNS[class_name, name]
        signature = re.sub(r"\(self: [\w.]+", "(self", _tidy(signature))
        if name == "__eq__":
            signature = re.sub(r"arg0: \w+", "other: object", signature)
        lines = [*decorators, f"def {signature}:" + ("" if doc else " ...")]
        if doc:
            lines.append(textwrap.indent(f'"""{doc}"""', "    "))
        stubs.append("\n".join(lines))
    return "\n".join(stubs)


def _variants(class_name: str, signature: str, doc: str) -> list[tuple[str, str]]:
    """One signature for each kind of result: what Encoder.encode gives depends on `out`."""
    if class_name != "Encoder" or not signature.startswith("encode("):
        return [(signature, doc)]
    default = "out: str = 'numpy'"
    numpy = signature.replace(default, "out: typing.Literal['numpy'] = 'numpy'")
    torch = signature.replace(default, "out: typing.Literal['torch']").replace("-> object", "-> typing.Any")
    return [(numpy, doc), (torch, "The same as a tensor; torch is not imported before.")]


def _signatures(function: Any) -> list[tuple[str, str]]:
    """The signatures in a docstring of pybind11, each with the text below it."""
    doc = function.__doc__.strip()
    if "Overloaded function." in doc:
        parts = re.split(r"^\d+\. ", doc, flags=re.MULTILINE)[1:]
    else:
        parts = [doc]
    return [(part.partition("\n")[0].strip(), _clean_doc(part.partition("\n")[2])) for part in parts]


def _clean_doc(doc: str) -> str:
    text = inspect.cleandoc(doc).strip()
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') + (" " if text.endswith('"') else "")


def _tidy(signature: str) -> str:
    for pattern, replacement in REPLACEMENTS:
        signature = re.sub(pattern, replacement, signature)
    return signature


if __name__ == "__main__":
    import lmtx._core

    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    file.write_text(make_stubs(lmtx._core), encoding="utf-8")
