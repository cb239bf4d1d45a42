"""Labels of a tagger that change while it is in use."""

import threading

import pytest

import lmtx


@pytest.fixture
def tagger(tagger_folder):
    return lmtx.Tagger.load(tagger_folder)


def test_labels_are_a_label_set_that_changes(tagger, tmp_path):
    labels = tagger.labels
    assert isinstance(labels, lmtx.LabelSet) and len(labels) == 12
    assert labels.add([lmtx.Label("l-chess", "chess"), {"title": "go", "description": "a game"}, "bridge"]) == [12, 13, 14]
    labels.remove("l-tax")
    assert (len(labels), labels.next_number, labels.numbers[:2], labels.find("l-tax")) == (14, 15, [1, 2], None)
    assert [label.uid for label in tagger.labels] == [tagger.labels[number].uid for number in tagger.labels.numbers]
    with pytest.raises(IndexError, match=r"Label number 0 \(uid `l-tax`\) was removed"):
        labels[0]
    assert tagger.tag("chess", k=1)[0].uid == "l-chess"
    assert "l-tax" not in [tag.uid for tag in tagger.tag("tax", k=20)]
    tagger.save(tmp_path / "tagger")
    again = lmtx.Tagger.load(tmp_path / "tagger")
    assert again.labels.fingerprint() == tagger.labels.fingerprint()
    assert [tag.uid for tag in again.tag("tax", k=20)] == [tag.uid for tag in tagger.tag("tax", k=20)]
    with pytest.raises(ValueError, match="of these were removed"):
        lmtx.train(["a text"], tagger.labels, teacher=lmtx.ScriptedOracle(lambda document, label: True), base=tagger.encoder, out=tmp_path / "run")


def test_wrong_changes_are_named_and_change_nothing(tagger):
    before = tagger.labels.fingerprint()
    for change, message in [
        (lambda labels: labels.remove("nobody"), "No label has the uid `nobody`"),
        (lambda labels: labels.add({"uid": "l-tax", "title": "tax"}), r"`labels\[0\]` has the uid `l-tax`, which label number 0 has, too"),
        (lambda labels: labels.rename("l-tax", ""), "must have a name"),
        (lambda labels: labels.merge("l-tax", into="l-tax"), "cannot be merged into itself"),
        (lambda labels: labels.near_duplicates(neighbors=0), "`neighbors` must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            change(tagger.labels)
    with pytest.raises(TypeError):
        tagger.labels.add(7)
    assert tagger.labels.fingerprint() == before


def test_other_names_and_descriptions_find_a_label_where_they_are_embedded(model, data):
    encoder, labels = lmtx.Encoder.load(model), lmtx.LabelSet.open(data / "labels.jsonl")
    tagger = lmtx.Tagger.from_labels(encoder, labels, settings=lmtx.TaggerSettings(embed_other_names=True, embed_descriptions=True))
    tagger.labels.describe("l-tax", "money grant", other_names=["office"])
    for text in ("tax", "office", "tax: money grant"):
        tag = tagger.tag(text, k=1)[0]
        assert (tag.uid, tag.score) == ("l-tax", pytest.approx(1, abs=1e-5))
    tagger.labels.describe("l-tax", "")
    assert tagger.tag("tax: money grant", k=1)[0].score < 0.9999
    assert lmtx.Tagger.from_labels(encoder, tagger.labels).tag("office", k=1)[0].score < 0.9999


def test_filters_keep_the_order_of_what_they_leave(tagger):
    tagger.labels.describe("l-army", groups=["state"])
    tagger.labels.describe("l-prison", broader=["l-army"])
    text = "tax army report"
    ranked = [tag.uid for tag in tagger.tag(text, k=12)]

    def left(**conditions):
        return [tag.uid for tag in tagger.tag(text, k=12, filter=tagger.filter(**conditions))]

    for count in range(1, 13):
        assert left(allow=sorted(ranked)[:count]) == [uid for uid in ranked if uid in sorted(ranked)[:count]]
        assert left(deny=sorted(ranked)[:count]) == [uid for uid in ranked if uid not in sorted(ranked)[:count]]
    assert left(within="l-army") == [uid for uid in ranked if uid in ("l-army", "l-prison")]
    assert left(groups="state") == ["l-army"]
    assert left(groups=["mine"], members={"mine": ["l-tax"], "yours": "l-army"}) == ["l-tax"]
    assert left(groups="state", allow="l-tax") == left(allow=[]) == left(groups=[]) == []
    assert left() == left(deny=[]) == ranked
    with pytest.raises(ValueError, match="No label is in the group `void`"):
        tagger.filter(groups="void")


def test_a_filter_stays_right_when_labels_change(tagger):
    chosen = tagger.filter(allow=["l-tax", "l-army"])
    tagger.labels.rename("l-tax", "levy")
    tagger.labels.remove("l-army")
    tagger.labels.add("chess")
    assert [tag.label for tag in tagger.tag("chess", k=5, filter=chosen)] == ["levy"]


def test_changes_while_other_threads_tag(tagger):
    """Each call sees the labels as they were at one moment: the sixteen pairs come and go together."""
    failures, done = [], threading.Event()

    def tag():
        while not done.is_set():
            uids = {tag.uid for tag in tagger.tag(["army report"], k=60)[0]}
            if any((f"a{i}" in uids) != (f"b{i}" in uids) for i in range(16)):
                failures.append(uids)

    threads = [threading.Thread(target=tag) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(16):
        tagger.labels.add([{"uid": f"a{i}", "title": "army"}, {"uid": f"b{i}", "title": "school"}])
    tagger.labels.remove([f"{side}{i}" for i in range(16) for side in "ab"])
    done.set()
    for thread in threads:
        thread.join()
    assert not failures and len(tagger.labels) == 12


def test_changes_of_two_threads_are_both_made(tagger):
    def add(side):
        for i in range(10):
            tagger.labels.add(f"{side}{i}")

    threads = [threading.Thread(target=add, args=(side,)) for side in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tagger.labels.names[12:]) == sorted(f"{side}{i}" for side in "ab" for i in range(10))


def test_an_iterator_keeps_the_labels_that_it_began_with(tagger):
    labels = tagger.labels
    iterator = iter(labels)
    next(iterator)
    labels.remove([f"l-{name}" for name in ("health", "army", "railway")])
    assert len(list(iterator)) == 11


def test_documents_whose_tags_changed_are_those_whose_tags_differ(tagger, tagger_folder, data):
    before = lmtx.Tagger.load(tagger_folder)
    tagger.labels.remove("l-tax")
    tagger.labels.rename("l-army", "army")  # No change of name.
    documents = list(lmtx.Corpus.open(data / "train.jsonl"))
    changes = {change.uid: change for change in lmtx.compare_tags(before, tagger, documents, k=3)}
    for document in documents:
        first, second = ({tag.uid for tag in of.tag(document, k=3)} for of in (before, tagger))
        assert (document.uid in changes) == (first != second)
        if first != second:
            change = changes[document.uid]
            assert {tag.uid for tag in change.removed} == first - second and {tag.uid for tag in change.added} == second - first
    assert 0 < len(changes) < len(documents)
    assert [change.uid for change in lmtx.compare_tags(before, tagger, data / "train.jsonl", k=3)] == list(changes)
