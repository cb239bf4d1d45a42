"""Labels out of the files in which vocabularies come: SKOS, CSV, JSON lines."""

import csv
import gzip
import importlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ._core import Label, LabelSet

__all__ = ["read_labels"]

# How rdflib calls the format of a file, by how its name ends.
RDF_FORMATS = {".ttl": "turtle", ".rdf": "xml", ".owl": "xml", ".nt": "nt", ".n3": "n3"}
# Between the parts of a cell that holds several.
SEPARATORS = ";|"
# What a column may be called, without regard to case.
COLUMNS = {
    "uid": ("uid", "id", "uri"),
    "name": ("name", "title", "label"),
    "description": ("description", "definition"),
    "other_names": ("other names", "other_names", "alternatives", "altlabel"),
    "broader": ("broader", "parents", "parent"),
    "groups": ("groups", "group"),
}


def read_labels(
    path: str | os.PathLike[str], *, language: str | None = "en", scheme: str | None = None, deprecated: bool = False, format: str | None = None
) -> LabelSet:
    """Labels of a file of SKOS (.ttl, .rdf, .owl, .nt, .n3; needs rdflib), CSV (.csv, .tsv) or JSON lines (anything else), plain or .gz.

    Of SKOS every `skos:Concept` becomes a label whose uid is its IRI: `prefLabel` is its name, `altLabel` and names in no other role (`hiddenLabel`) its other names,
    `definition` (or `scopeNote`) its description, and its broader labels are those that `broader` or, the other way round, `narrower` names. Order is that of IRIs.
    A CSV file has a head line: `uid`, `name`, and, if wanted, `description`, `other names`, `broader`, `groups`; several in a cell are parted by ";" or "|".

    Args:
        path: The file.
        language: Of SKOS texts, such as "en", which takes "en-GB", too. Where a concept has no name in it, one without a language counts, then "en", then any. None: these only.
        scheme: The IRI of a concept scheme; only its concepts (`inScheme`, `topConceptOf`, `hasTopConcept`) are taken. Broader ones from elsewhere are left out.
        deprecated: Take concepts that are `owl:deprecated`, too.
        format: "skos", "csv" or "jsonl", where the name does not say it.

    Raises:
        ValueError: Naming the file and what in it is no label.
        RuntimeError: The same, of JSON lines.
        ImportError: Where rdflib is missing, saying how to get it.

    Example:
        >>> from pathlib import Path
        >>> _ = Path('topics.csv').write_text('uid,name,other names,broader\\nart,Art,,\\njazz,Jazz,swing;bebop,art\\n')
        >>> labels = read_labels('topics.csv')
        >>> labels.names, labels[1].other_names, labels[1].broader
        (['Art', 'Jazz'], ['swing', 'bebop'], ['art'])
    """
    file = Path(path)
    ending = (file.with_suffix("") if file.suffix == ".gz" else file).suffix.lower()
    kind = format or ("skos" if ending in RDF_FORMATS else "csv" if ending in (".csv", ".tsv") else "jsonl")
    if kind == "skos":
        return _label_set(file, _read_skos(file, RDF_FORMATS.get(ending, "turtle"), language, scheme, deprecated))
    if kind == "csv":
        return _label_set(file, _read_csv(file, "\t" if ending == ".tsv" else ","))
    if kind != "jsonl":
        raise ValueError(f'`format` must be "skos", "csv" or "jsonl", but is {format!r} instead.')
    return LabelSet.open(file)


def _label_set(file: Path, labels: Iterable[Label]) -> LabelSet:
    try:
        return LabelSet(list(labels))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


def _text_of(file: Path) -> str:
    data = file.read_bytes()
    try:
        return (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: no UTF-8 at byte {error.start}.") from None
    except (EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{file}: damaged gzip file: {error}.") from None


# CSV


def _read_csv(file: Path, delimiter: str) -> Iterator[Label]:
    reader = csv.reader(io.StringIO(_text_of(file), newline=""), delimiter=delimiter, strict=True)
    try:
        columns = _columns(file, next(reader, []))
        for row in reader:
            if any(cell.strip() for cell in row):
                yield _label_of_row(f"{file}:{reader.line_num}", columns, row)
    except csv.Error as error:
        raise ValueError(f"{file}:{reader.line_num}: {error}.") from None


def _columns(file: Path, head: list[str]) -> dict[str, int]:
    """The place of each field."""
    found = {}
    for place, column in enumerate(head):
        for field, names in COLUMNS.items():
            if column.strip().lower() in names and field not in found:
                found[field] = place
    for field in ("uid", "name"):
        if field not in found:
            raise ValueError(f"{file}:1: a column `{field}` is missing; there are {', '.join(f'`{column}`' for column in head) or 'none'}.")
    return found


def _label_of_row(place: str, columns: Mapping[str, int], row: list[str]) -> Label:
    cells = {field: row[column].strip() if column < len(row) else "" for field, column in columns.items()}
    for field in ("uid", "name"):
        if not cells[field]:
            raise ValueError(f"{place}: `{field}` must not be empty.")
    lists = {field: _parts(cells.get(field, "")) for field in ("other_names", "broader", "groups")}
    return Label(cells["uid"], cells["name"], description=cells.get("description", ""), **lists)


def _parts(cell: str) -> list[str]:
    for separator in SEPARATORS[1:]:
        cell = cell.replace(separator, SEPARATORS[0])
    return [part.strip() for part in cell.split(SEPARATORS[0]) if part.strip()]


# SKOS


def _read_skos(file: Path, rdf_format: str, language: str | None, scheme: str | None, deprecated: bool) -> list[Label]:
    try:
        # Named to mypy it would have to be installed wherever types are checked.
        rdflib: Any = importlib.import_module("rdflib")
    except ImportError as error:
        raise ImportError(f"{file} is SKOS, which needs rdflib: pip install rdflib, or lmtx[skos].", name=error.name) from error
    graph = rdflib.Graph()
    text = _text_of(file)
    try:
        graph.parse(data=text, format=rdf_format, publicID=file.resolve().as_uri())
    except Exception as error:  # Each of rdflib's parsers has errors of its own.
        raise ValueError(f"{file}: no {rdf_format} that rdflib can read: {' '.join(str(error).split())[:200]}") from None
    return _Skos(rdflib, file, graph, language, scheme, deprecated).labels()


class _Skos:
    """The concepts of a graph as labels."""

    def __init__(self, rdflib: Any, file: Path, graph: Any, language: str | None, scheme: str | None, deprecated: bool):
        self.file, self.graph, self.language, self.skos = file, graph, language, rdflib.SKOS
        concepts = set(graph.subjects(rdflib.RDF.type, self.skos.Concept))
        if scheme is not None:
            concepts &= self._in_scheme(rdflib.URIRef(scheme))
        if not deprecated:
            concepts = {concept for concept in concepts if not any(str(value).lower() in ("true", "1") for value in graph.objects(concept, rdflib.OWL.deprecated))}
        if not concepts:
            raise ValueError(f"{file}: no skos:Concept" + (f" in the scheme {scheme}." if scheme is not None else "."))
        self.concepts = concepts

    def labels(self) -> list[Label]:
        return [self._label(concept) for concept in sorted(self.concepts, key=str)]

    def _in_scheme(self, scheme: Any) -> set[Any]:
        subjects = {*self.graph.subjects(self.skos.inScheme, scheme), *self.graph.subjects(self.skos.topConceptOf, scheme)}
        return subjects | set(self.graph.objects(scheme, self.skos.hasTopConcept))

    def _label(self, concept: Any) -> Label:
        names = self._texts(concept, self.skos.prefLabel)
        if not names:
            raise ValueError(f"{self.file}: {concept} has no skos:prefLabel.")
        others = {*self._texts_in_language(concept, self.skos.altLabel), *self._texts_in_language(concept, self.skos.hiddenLabel)}
        descriptions = self._texts(concept, self.skos.definition) or self._texts(concept, self.skos.scopeNote)
        above = {*self.graph.objects(concept, self.skos.broader), *self.graph.subjects(self.skos.narrower, concept)} & self.concepts
        return Label(
            str(concept),
            names[0],
            description=descriptions[0] if descriptions else "",
            other_names=sorted(others - {names[0]}),
            broader=sorted(str(other) for other in above),
        )

    def _texts(self, concept: Any, role: Any) -> list[str]:
        """In the language where there are any, else in another."""
        return next((texts for language in self._languages() if (texts := self._texts_in(concept, role, language))), self._texts_in(concept, role, None))

    def _texts_in_language(self, concept: Any, role: Any) -> list[str]:
        """In the language, or without any."""
        languages = self._languages()[:2] if self.language is not None else [""]
        return [text for language in languages for text in self._texts_in(concept, role, language)]

    def _languages(self) -> list[str]:
        return [*([self.language] if self.language is not None else []), "", "en"]

    def _texts_in(self, concept: Any, role: Any, language: str | None) -> list[str]:
        """Sorted; those in just this language first. None: any."""
        found = []
        for text in self.graph.objects(concept, role):
            tag = (getattr(text, "language", None) or "").lower()
            if language is None or tag == language.lower() or (language and tag.startswith(f"{language.lower()}-")):
                found.append((len(tag), tag, " ".join(str(text).split())))
        return [text for _, _, text in sorted(found) if text]
