"""Vocabularies out of SKOS and CSV, as they are found in the wild."""

import gzip
import json
import subprocess
import sys

import pytest

import lmtx

TURTLE = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix : <http://example.org/> .

:scheme a skos:ConceptScheme ; skos:hasTopConcept :art .
:art a skos:Concept ; skos:prefLabel "Art"@en, "Kunst"@de ; skos:topConceptOf :scheme .
:music a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "Music"@en-GB, "Musik"@de ; skos:altLabel "Tunes"@en, "Töne"@de, "M" ;
    skos:broader :art ; skos:definition "Sounds\\n in time"@en ; skos:scopeNote "Not noise"@en ; skos:narrower :jazz .
:jazz a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "Jazz" ; skos:scopeNote "Swing and what followed"@en .
:old a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "Wireless"@en ; owl:deprecated true ; skos:broader :music .
:elsewhere a skos:Concept ; skos:prefLabel "Elsewhere"@en ; skos:narrower :art .
"""


@pytest.fixture
def turtle(tmp_path):
    pytest.importorskip("rdflib")
    file = tmp_path / "labels.ttl"
    file.write_text(TURTLE, encoding="utf-8")
    return file


def fields(labels):
    def short(uid):
        return uid.rpartition("/")[2]

    return {short(label.uid): (label.name, label.other_names, label.description, [short(uid) for uid in label.broader]) for label in labels}


def test_concepts_become_labels(turtle):
    assert fields(lmtx.read_labels(turtle, scheme="http://example.org/scheme")) == {
        "art": ("Art", [], "", []),
        "jazz": ("Jazz", [], "Swing and what followed", ["music"]),
        "music": ("Music", ["M", "Tunes"], "Sounds in time", ["art"]),
    }


def test_concepts_of_all_schemes_in_another_language(turtle):
    labels = fields(lmtx.read_labels(turtle, language="de", deprecated=True))
    assert labels["music"] == ("Musik", ["M", "Töne"], "Sounds in time", ["art"])
    # "Jazz" has no language, "Wireless" none but English.
    assert (labels["jazz"][0], labels["old"][0], labels["art"][3]) == ("Jazz", "Wireless", ["elsewhere"])


def test_rdf_xml_gives_the_labels_of_turtle(turtle, tmp_path):
    rdflib = pytest.importorskip("rdflib")
    file = tmp_path / "labels.rdf"
    rdflib.Graph().parse(turtle).serialize(file, format="xml")
    assert lmtx.read_labels(file).fingerprint() == lmtx.read_labels(turtle).fingerprint()
    zipped = tmp_path / "labels.nt.gz"
    zipped.write_bytes(gzip.compress(rdflib.Graph().parse(turtle).serialize(format="nt").encode()))
    assert lmtx.read_labels(zipped).fingerprint() == lmtx.read_labels(turtle).fingerprint()


def test_what_is_no_skos_is_refused(turtle, tmp_path):
    with pytest.raises(ValueError, match="no skos:Concept in the scheme http://example.org/nowhere"):
        lmtx.read_labels(turtle, scheme="http://example.org/nowhere")
    nameless, broken = tmp_path / "nameless.ttl", tmp_path / "broken.ttl"
    nameless.write_text("<urn:x> a <http://www.w3.org/2004/02/skos/core#Concept> .")
    broken.write_text("this is < no turtle")
    with pytest.raises(ValueError, match="nameless.ttl: urn:x has no skos:prefLabel"):
        lmtx.read_labels(nameless)
    with pytest.raises(ValueError, match="broken.ttl: no turtle that rdflib can read"):
        lmtx.read_labels(broken)


def test_without_rdflib_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdflib", None)
    (tmp_path / "labels.ttl").write_text(TURTLE, encoding="utf-8")
    with pytest.raises(ImportError, match="needs rdflib: pip install rdflib"):
        lmtx.read_labels(tmp_path / "labels.ttl")


def test_columns_of_a_csv_file_are_found_by_name(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text('\ufeffName,UID,Other names,broader,notes\n"Art, fine",a,"Beauty| ""Art""",,x\n\nMusic,m,,a\n', encoding="utf-8")
    art, music = lmtx.read_labels(file)
    assert (art.uid, art.name, art.other_names) == ("a", "Art, fine", ["Beauty", '"Art"'])
    assert (music.uid, music.broader) == ("m", ["a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,other\nx,y\n", r"labels.csv:1: a column `uid` is missing; there are `name`, `other`"),
        ("uid,name\na,A\nb,\n", r"labels.csv:3: `name` must not be empty"),
        ("uid,name\na,A\na,B\n", r"labels.csv: `labels\[1\]` has the uid `a`, which labels\[0\] has, too"),
        ('uid,name\na,"A\n', r"labels.csv:2: unexpected end of data"),
    ],
)
def test_what_is_no_label_in_a_csv_file_is_named(tmp_path, text, message):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        lmtx.read_labels(tmp_path / "labels.csv")


def lmtx_command(*arguments):
    return subprocess.run([sys.executable, "-m", "lmtx", *map(str, arguments)], capture_output=True, text=True)


def test_the_command_converts(turtle, tmp_path):
    done = lmtx_command("labels", "convert", turtle, tmp_path / "labels.jsonl")
    assert done.returncode == 0 and "4 labels, 3 of them with broader ones" in done.stdout, done
    assert lmtx.LabelSet.open(tmp_path / "labels.jsonl").fingerprint() == lmtx.read_labels(turtle).fingerprint()
    assert lmtx_command("labels", "convert", tmp_path / "missing.csv", tmp_path / "x").returncode == 2


def test_documents_whose_tags_changed_are_those_whose_tags_differ(tagger_folder, data, tmp_path):
    before = lmtx.Tagger.load(tagger_folder)
    fewer = lmtx.LabelSet([label for label in before.labels if label.uid != "l-tax"])
    lmtx.Tagger.from_labels(before.encoder, fewer, settings=before.settings).save(tmp_path / "after")
    after = lmtx.Tagger.load(tmp_path / "after")
    documents = list(lmtx.Corpus.open(data / "train.jsonl"))
    changes = {change.uid: change for change in lmtx.compare_tags(before, after, documents, k=3)}
    for document in documents:
        first, second = ({tag.uid for tag in of.tag(document, k=3)} for of in (before, after))
        assert (document.uid in changes) == (first != second)
        if first != second:
            change = changes[document.uid]
            assert {tag.uid for tag in change.removed} == first - second and {tag.uid for tag in change.added} == second - first
    assert changes
    done = lmtx_command("labels", "changed", tagger_folder, tmp_path / "after", data / "train.jsonl", "-k", "3")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["uid"] for row in rows] == list(changes) and f"{len(rows)} documents have other tags." in done.stderr


def test_a_renamed_label_is_a_change(tagger_folder):
    before = lmtx.Tagger.load(tagger_folder)
    renamed = [lmtx.Label(label.uid, "levy") if label.uid == "l-tax" else label for label in before.labels]
    after = lmtx.Tagger(before.encoder, lmtx.LabelSet(renamed), before.index, settings=before.settings)
    (change,) = lmtx.compare_tags(before, after, ["tax"], k=12)
    assert ([tag.label for tag in change.renamed], change.added, change.removed) == (["levy"], [], [])
