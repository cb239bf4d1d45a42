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
    file.write_text('\ufeffName,UID,Other names,broader,groups,notes\n"Art, fine",a,"Beauty; ""Art""",,top|arts,x\n\nMusic,m,,a\n', encoding="utf-8")
    art, music = lmtx.read_labels(file)
    assert (art.uid, art.name, art.other_names, art.groups) == ("a", "Art, fine", ["Beauty", '"Art"'], ["top", "arts"])
    assert (music.uid, music.broader, music.groups) == ("m", ["a"], [])


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


def test_the_commands_change_a_tagger_and_say_what_changed(tagger_folder, data, tmp_path):
    changed = tmp_path / "changed"
    provenance = json.loads((tagger_folder / "lmtx" / "provenance.json").read_text())
    (tmp_path / "more.csv").write_text("uid,name\nchess,chess\n")
    assert lmtx_command("labels", "remove", tagger_folder, "l-tax", "--out", changed).returncode == 0
    assert lmtx_command("labels", "add", changed, tmp_path / "more.csv").stdout.strip() == f"{changed}: 12 labels"
    assert lmtx_command("labels", "rename", changed, "l-army", "navy", "--keep-name").returncode == 0
    assert lmtx_command("labels", "merge", changed, "l-water", "l-health").returncode == 0
    labels = lmtx.Tagger.load(changed).labels
    assert labels.numbers == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert (labels.find("l-tax"), labels.find("chess"), labels[labels.find("l-army")].name, labels[1].other_names) == (None, 12, "navy", ["water"])
    assert json.loads((changed / "lmtx" / "provenance.json").read_text()) == provenance
    done = lmtx_command("labels", "changed", tagger_folder, changed, data / "train.jsonl", "-k", "2")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert f"{len(rows)} documents have other tags." in done.stderr
    before, after = lmtx.Tagger.load(tagger_folder), lmtx.Tagger.load(changed)
    for document in lmtx.Corpus.open(data / "train.jsonl"):
        first, second = ({tag.uid: tag.label for tag in tagger.tag(document, k=2)} for tagger in (before, after))
        assert any(row["uid"] == document.uid for row in rows) == (first != second)
    wrong = lmtx_command("labels", "remove", changed, "l-tax")
    assert wrong.returncode == 2 and "No label has the uid `l-tax`." in wrong.stderr
