"""Objects say what they are where they are printed, and are tables in notebooks."""

import inspect
from html.parser import HTMLParser

import pytest

import lmtx


@pytest.fixture(scope="module")
def tagger(model, data, tmp_path_factory):
    """One that has the report of its run."""
    options = {"cycles": 2, "epochs": 1, "batch_size": 10, "judgments_per_cycle": 5, "development": 6}
    teacher, out = f"recorded:{data / 'verdicts.jsonl'}", tmp_path_factory.mktemp("run") / "run"
    return lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=teacher, base=model, out=out, progress=False, **options)


class Silent(lmtx.TeacherOracle):
    """Keeps the sink that it got."""

    def identity(self):
        return "silent/1"

    def judge(self, questions, answers):
        self.answers, self.while_asked = answers, repr(answers)


class Estimates(Silent):
    """Can tell what a question takes."""

    def estimate(self, question):
        return lmtx.Usage(prompt_tokens=len(question))


def duplicate_of_tax(tagger):
    labels = lmtx.Tagger(tagger.encoder, tagger.labels, tagger.index, settings=tagger.settings).labels
    labels.add([{"uid": "l-tax-2", "title": "TAX"}])
    return next(pair for pair in labels.near_duplicates(of="l-tax-2") if pair.first == 0)


def import_an_error(folder):
    """A folder of batches with one request, and what comes of a file with an error."""
    (folder / "requests").mkdir(parents=True)
    (folder / "requests" / "00001.jsonl").write_text(f'{{"custom_id": "{"0" * 32}"}}\n' * 2)
    (folder / "output.jsonl").write_text(f'{{"custom_id": "{"0" * 32}", "error": "expired"}}\n')
    return lmtx.import_batch_answers(folder, folder / "output.jsonl")


def find_sink(model, data, folder):
    teacher = Silent()
    with pytest.raises(lmtx.PairsOpen):
        lmtx.train(data / "train.jsonl", data / "labels.jsonl", teacher=teacher, base=model, out=folder, progress=False, development=0)
    return teacher


def trusted(question, folder):
    """What audits, calibrates, compares and combines teachers."""
    scores, gold = [0.9, 0.8, 0.8, 0.7, 0.6, 0.9, 0.7, 0.5, 0.4, 0.2], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    calibration, combination = lmtx.Calibration.platt(scores, gold), lmtx.Combination.mean([1])
    teacher = lmtx.ScriptedOracle(lambda d, label: True)
    verdicts, known = lmtx.Verdicts("a/1", {("d1", "l"): 0.9}), lmtx.Gold({("d1", "l"): True})
    audit = lmtx.audit_scores(scores, gold, resamples=1)
    return [
        (lmtx.agreement_of_scores([0.9, 0.2], [0.8, 0.7]), "Agreement(2 pairs, 50 % agree, kappa 0)"),
        (lmtx.ask_teacher(teacher, [question], store=folder / "asked.db"), "AskedVerdicts(1 questions, 1 pairs asked)"),
        (audit, "Audit(10 pairs, precision 0.625, recall 1, AUC 0.76)"),
        (audit.bins[8], "ReliabilityBin(from 0.8 to 0.9: 2 pairs, mean score 0.9, 0.5 true)"),
        (calibration, "Calibration(platt: sigmoid(0.673 * logit(score) - 0.514), from 10 pairs (5 yes))"),
        (lmtx.CalibratedOracle(teacher, calibration), f"CalibratedOracle(identity='scripted/1+{calibration.identity()}')"),
        (combination, "Combination(mean: 1 * (logit - 0))"),
        (lmtx.CombinedOracle([teacher], combination), f"CombinedOracle(identity='{combination.identity()}(scripted/1)')"),
        (known, "Gold(1 pairs, the labels of 0 documents)"),
        (lmtx.match_gold(verdicts, known), "GoldMatch('a/1', 1 pairs, 1 yes)"),
        (lmtx.probe(teacher, ["a tax"], ["tax"], probes=["repeat"])[0], "ProbeResult(repeat: 1 pairs, 0.0 % flipped)"),
        (lmtx.Reliability(sensitivity=0.9, specificity=0.75), "Reliability(sensitivity=0.9, specificity=0.75, cut=0.5)"),
        (lmtx.compare_verdicts(verdicts, verdicts), "VerdictComparison('a/1' and 'a/1', 1 pairs)"),
        (verdicts, "Verdicts('a/1', 1 pairs)"),
    ]


@pytest.fixture
def instances(tagger, model, data, tmp_path):
    """An object of each public class, with what it prints as (None: not compared)."""
    label, document = lmtx.Label("l-tax", "tax"), lmtx.Document("7", title="Stains", content="Red wine")
    question = lmtx.Question(document, [label])
    store = lmtx.JudgmentStore.open(tmp_path / "judgments.db")
    store.put("a/1", question, [0.25], run="first")
    other = lmtx.JudgmentStore.open(tmp_path / "other.db")
    difference = "StoreDifference('a/1', '7', 'l-tax', here=Verdict.score(0.25), there=None)"
    report = tagger.report
    index = lmtx.LabelIndex.build(tagger.encoder.encode(["tax", "army"]))
    trainer = lmtx.CurriculumTrainer(
        tagger.encoder, lmtx.Corpus.open(data / "train.jsonl"), tagger.labels, lmtx.RecordedOracle.open(data / "verdicts.jsonl"), folder=tmp_path / "new",
        options=lmtx.TrainerOptions(cycles=3, development=0),
    )  # fmt: skip
    protocol = lmtx.ChatProtocol("llama")
    estimated = lmtx.CurriculumTrainer(
        tagger.encoder, lmtx.Corpus.open(data / "train.jsonl"), tagger.labels, Estimates(), folder=tmp_path / "estimated",
        options=lmtx.TrainerOptions(cycles=3, development=0),
    )  # fmt: skip
    batch = tmp_path / "batch"
    events = []
    tagger.encoder.encode("tax", on_event=events.append)
    teacher = find_sink(model, data, tmp_path / "open")
    assert teacher.while_asked == "AnswerSink(open)"
    return [
        (teacher.answers, "AnswerSink(closed)"),
        (report.total, None),
        *trusted(question, tmp_path),
        (import_an_error(batch), f"BatchImport({str(batch / 'answers' / 'output.jsonl')!r}, answers=0, repeated=0, failed=1, unknown=0)"),
        (lmtx.batch_status(batch), "BatchStatus(requests=1, answered=0, failed=0, open=1, unknown=0)"),
        (lmtx.BatchFileOracle(batch, protocol), f"BatchFileOracle({str(batch)!r}, identity={protocol.identity!r})"),
        (lmtx.StoreOracle.open(tmp_path / "judgments.db"), "StoreOracle(identity='a/1', 1 judgments)"),
        (lmtx.Bm25Index.build(["public land", "land"]), "Bm25Index(2 labels, 2 texts, 2 words)"),
        (lmtx.Budget(5), "Budget(judgments=5, charge_stored=False)"),
        (lmtx.Budget(tokens=5, cost=0.5), "Budget(judgments=None, tokens=5, cost=0.5, charge_stored=False)"),
        (lmtx.Rates(prompt=1), "Rates(prompt=1.0, cached=None, completion=0.0, tokens_per_second=0.0)"),
        (estimated.plan().estimate, "Estimate(prompt_tokens=720, computed_tokens=720, completion_tokens=0, cost=None, hours=None)"),
        (lmtx.CallbackOracle(lambda d, ls: [], identity="f/1"), "CallbackOracle(identity='f/1')"),
        (lmtx.HttpOracle("http://localhost/v1", protocol), f"HttpOracle('http://localhost/v1', identity={protocol.identity!r})"),
        (lmtx.HttpOracle("http://localhost/v1", protocol).stats(), "HttpStats(requests=0, answers=0, retries=0, notes=[])"),
        (protocol, f"ChatProtocol(identity={protocol.identity!r})"),
        (protocol.requests(question)[0], "ChatRequest(labels=[0])"),
        (protocol.read(protocol.requests(question)[0], '{"choices": [{"message": {"content": "No."}}]}'), "ChatAnswer(verdicts=[Verdict.score(0.0)], text='No.')"),
        (protocol.prompt, f"Prompt(identity={protocol.prompt.identity!r}, answer='yes_no', document_tokens=430)"),
        (lmtx.Prompt("{document}\n{label}").one("Tea", label), "PromptText(prefix='Tea\\n', suffix='tax')"),
        (lmtx.DecisionRule.top(5), "DecisionRule(the 5 best labels)"),
        (lmtx.DecisionRule.by_precision([0.9, 0.2], [1, 0], 0.9).cuts[0], "DecisionCut(score=inf, thin, 2 pairs)"),
        (lmtx.decision_evidence(tagger, list(lmtx.Corpus.open(data / "test.jsonl")), lmtx.read_gold(data / "verdicts.jsonl")), None),
        (lmtx.compare_means([1.0], [0.5]), "Comparison(difference=Interval(0.5, from 0.5 to 0.5), better=1)"),
        (lmtx.Corpus.from_documents([document] * 1), "Corpus(1 documents)"),
        (trainer, None),
        (report.cycles[0], None),
        (document, "Document(uid='7', title='Stains', content of 8 bytes)"),
        (tagger.encoder, "Encoder(dim=32, max_length=64)"),
        (events[-1], "Event(progress, embed: 1 of 1)"),
        (report.inputs, "InputReport(documents=60, labels=12, empty_documents=0, repeated_documents=0, cut_documents=0)"),
        (lmtx.bootstrap_mean([1.0]), "Interval(1, from 1 to 1)"),
        (store.find("a/1", question)[0], "Judgment(Verdict.score(0.25), run='first')"),
        (store, "JudgmentStore(1 judgments)"),
        (lmtx.JudgmentRows(store), "JudgmentRows()"),
        (lmtx.JudgmentImport(other), "JudgmentImport()"),
        (store.check(), "StoreCheck(1 judgments, 0 faults)"),
        (store.usage(), "UsageTotals(Usage(prompt_tokens=0, cached_tokens=0, completion_tokens=0, cost=0, seconds=0), answers=1)"),
        (store.teachers()[0], "TeacherSummary('a/1', judgments=1, yes_rate=0.000)"),
        (store.diff(other), "StoreDiff(same=0, conflicts=0, only_here=1, only_there=0)"),
        (store.diff(other).differences[0], difference),
        (other.merge_from(other), "MergeCounts(judgments=0, answers=0, same=0, conflicts=0)"),
        (label, "Label(uid='l-tax', name='tax')"),
        (index, "LabelIndex(2 labels, 2 rows, dim=32, exact)"),
        (index.search(tagger.encoder.encode(["tax"]), 2), "LabelMatches(1 queries, k=2)"),
        (tagger.labels, "TaggerLabels(12 labels)"),
        (lmtx.LabelSet([label]), "LabelSet(1 labels)"),
        (lmtx.Hierarchy(lmtx.LabelSet([label])), "Hierarchy(1 labels)"),
        (tagger.filter(allow=["l-tax", "l-army"], deny="l-tax"), "LabelFilter(2 allowed, 1 denied)"),
        (lmtx.TagChange("7", added=[], removed=[], renamed=[]), "TagChange(uid='7', added=[], removed=[], renamed=[])"),
        (duplicate_of_tax(tagger), None),
        (lmtx.TrainerOptions().describe()[0], None),
        (trainer.plan(), "Plan(60 documents, 12 labels, at most 720 judgments)"),
        (question, "Question(document '7', 1 labels)"),
        (lmtx.RankedLists([[1, 2], []], [[2, 1], []]), "RankedLists(2 lists, 2 labels)"),
        (lmtx.RecordedOracle.open(data / "verdicts.jsonl"), "RecordedOracle(identity='perfect/1', 720 pairs)"),
        (lmtx.ScriptedOracle(lambda d, label: True), "ScriptedOracle(identity='scripted/1')"),
        (tagger.tag("tax")[0], None),
        (lmtx.TaggingCounts(texts=3, skipped=1, first_fault="a:2: b"), "TaggingCounts(texts=3, skipped=1, empty=0, first_fault='a:2: b')"),
        (tagger, "Tagger(12 labels, dim=32, search_length=64, k=5)"),
        (lmtx.TaggerSettings(search_length=9), "TaggerSettings(search_length=9, label_length=0, document_prompt=None, label_prompt=None)"),
        (Silent(), "Silent(identity='silent/1')"),
        (lmtx.TeacherTraits(), "TeacherTraits(questions_per_call=1, concurrent_calls=1)"),
        (tagger.encoder.tokenizer, "Tokenizer(99 tokens)"),
        (lmtx.TrainerOptions(), None),
        (report, None),
        (lmtx.Usage(cost=0.5), "Usage(prompt_tokens=0, cached_tokens=0, completion_tokens=0, cost=0.5, seconds=0)"),
        (lmtx.Verdict.fail("timeout"), "Verdict.fail('timeout')"),
    ]


def test_every_public_class_prints_usefully(instances):
    for value, expected in instances:
        name = "Verdict." if isinstance(value, lmtx.Verdict) else f"{type(value).__name__}("
        assert repr(value).startswith(name) and " object at 0x" not in repr(value) and "\n" not in repr(value)
        assert expected is None or repr(value) == expected
    classes = {value for name in lmtx.__all__ if inspect.isclass(value := getattr(lmtx, name)) and not issubclass(value, Exception)}
    shown = {base for value, _ in instances for base in type(value).__mro__}
    assert sorted(cls.__name__ for cls in classes - shown) == []


def test_a_teacher_without_a_name_prints_too():
    class Unnamed(lmtx.TeacherOracle):
        pass

    assert repr(Unnamed()) == "Unnamed()"


class Table(HTMLParser):
    """The cells of a table, row by row; fails on what is not closed."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.open, self.caption, self.items = [], [], "", []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += text
        elif self.open[-1] == "li":
            self.items.append(text)
        else:
            self.caption += text


def table(value):
    return Table(value._repr_html_())


def test_a_report_is_a_table_of_its_cycles(tagger):
    report = tagger.report
    shown = table(report)
    assert shown.rows[0] == ["cycle", "judgments", "yes", "documents trained on", "steps", "loss", "development precision@1", "accepted"]
    assert [row[0] for row in shown.rows[1:]] == [str(cycle.cycle) for cycle in report.cycles]
    first = report.cycles[0]
    assert shown.rows[1][1:5] == [f"{first.training.judgments}", f"{100 * first.training.yes_rate:.1f} %", f"{first.documents_with_yes}", f"{first.steps}"]
    assert f"{100 * first.development_precision.value:.1f} % (" in shown.rows[1][6]
    assert shown.caption.startswith(f"perfect/1: {report.total.judgments} judgments, ")
    assert shown.items == report.notices
    assert table(first).rows[1] == shown.rows[1]


def test_counts_intervals_and_options_are_tables(tagger):
    assert ["documents", "60"] in table(tagger.report.inputs).rows
    assert ["yes", f"{tagger.report.total.yes}"] in table(tagger.report.total).rows
    assert table(lmtx.bootstrap_mean([0.5])).rows == [["value", "low", "high"], ["0.5", "0.5", "0.5"]]
    assert table(lmtx.compare_means([0.5], [0.25])).rows == [["difference", "low", "high", "better"], ["0.25", "0.25", "0.25", "1"]]
    options = table(lmtx.TrainerOptions(cycles=3)).rows
    assert options[1] == ["cycles", "3", "Most cycles to run; fewer where the development verdicts stop improving."]
    assert len(options) == 1 + len(lmtx.TrainerOptions().to_dict())


def test_tags_are_a_list_and_a_table_with_names_escaped(tagger):
    labels = lmtx.LabelSet([lmtx.Label("1", "<b>tax</b> & more"), lmtx.Label("2", "army")])
    odd = lmtx.Tagger.from_labels(tagger.encoder, labels)
    tags = odd.tag("<b>tax</b> & more", k=1)
    assert isinstance(tags, list) and repr(tags) == "[Tag(label='<b>tax</b> & more', score=1.00)]"
    assert table(tags).rows == [["label", "score", "probability"], ["<b>tax</b> & more", "1.000", ""]]
    assert [len(table(each).rows) for each in odd.tag(["tax", "army"])] == [3, 3]
