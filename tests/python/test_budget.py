"""Limits on tokens, money and time leave a usable tagger, and plans say what is taken before anything is."""

import time

import pytest

import lmtx
import tiny

FAST = {"preset": "paper", "cycles": 3, "epochs": 2, "batch_size": 10, "learning_rate": 2e-3, "document_length": 32, "judgments_per_cycle": 4, "development": 10}


class Metered(lmtx.TeacherOracle):
    """Takes ten tokens for a document and two a label, in half of its prompts from a cache."""

    def __init__(self, *, tells=True, pause=0.0):
        super().__init__()
        self.tells, self.pause, self.spent, self.questions = tells, pause, 0, 0

    def identity(self):
        return "metered/1"

    def usage(self, question):
        return lmtx.Usage(prompt_tokens=10 + len(question), cached_tokens=5, completion_tokens=len(question))

    def estimate(self, question):
        return self.usage(question) if self.tells else lmtx.Usage()

    def judge(self, questions, answers):
        for question in questions:
            if answers.stop_requested:
                return
            time.sleep(self.pause)
            usage = self.usage(question)
            self.spent += usage.prompt_tokens + usage.completion_tokens
            self.questions += 1
            answers.put(question, tiny.topic_answers(question.text, [label.name for label in question.labels]), usage=usage)


@pytest.fixture
def trainer(model, data, tmp_path):
    def make(teacher, **keywords):
        return lmtx.CurriculumTrainer(
            lmtx.Encoder.load(model), lmtx.Corpus.open(data / "train.jsonl"), lmtx.LabelSet.open(data / "labels.jsonl"), teacher, folder=tmp_path / "run",
            options=lmtx.TrainerOptions(**FAST), **keywords,
        )  # fmt: skip

    return make


@pytest.mark.parametrize("tells", [True, False])
def test_a_limit_on_tokens_ends_the_asking_and_leaves_a_tagger(trainer, tells):
    teacher = Metered(tells=tells)
    report = trainer(teacher, budget=lmtx.Budget(tokens=500)).run()
    # Without an estimate the last question may go over.
    assert 400 < teacher.spent <= (500 if tells else 518)
    assert report.ended == "budget" and report.total.over_budget > 0
    assert report.usage.prompt_tokens + report.usage.completion_tokens == teacher.spent
    assert report.cycles[0].development.judgments > 0, "some of the budget is for documents held out"
    assert lmtx.Tagger.load(report.tagger_folder).tag("tax")


def test_a_limit_on_money_counts_prices_with_the_cache(trainer):
    teacher = Metered()
    rates = lmtx.Rates(prompt=100, cached=10, completion=1000)
    report = trainer(teacher, budget=lmtx.Budget(cost=0.05), rates=rates).run()
    usage = report.usage
    assert usage.cost == pytest.approx(((usage.prompt_tokens - usage.cached_tokens) * 100 + usage.cached_tokens * 10 + usage.completion_tokens * 1000) / 1e6)
    assert 0.04 < usage.cost <= 0.05 and report.ended == "budget"


def test_a_limit_on_time_ends_the_asking_and_leaves_a_tagger(trainer):
    teacher = Metered(pause=0.05)
    report = trainer(teacher, budget=lmtx.Budget(seconds=0.5)).run()
    assert report.ended == "budget" and 0 < teacher.questions < 60
    assert lmtx.Tagger.load(report.tagger_folder).tag("tax")


def test_an_interrupted_run_goes_on_with_what_is_left(trainer):
    class Breaks(Metered):
        def judge(self, questions, answers):
            if self.questions == 12:
                raise lmtx.TeacherError("gone")
            super().judge(questions, answers)

    broken, whole = Breaks(), Metered()
    with pytest.raises(lmtx.TeacherError, match="gone"):
        trainer(broken, budget=lmtx.Budget(tokens=500)).run()
    report = trainer(whole, budget=lmtx.Budget(tokens=500)).run()
    assert broken.spent + whole.spent == report.usage.prompt_tokens + report.usage.completion_tokens <= 500


def test_another_budget_is_another_run(trainer):
    trainer(Metered(), budget=lmtx.Budget(tokens=500)).run()
    with pytest.raises(ValueError, match="the budget is 500 tokens there, but 600 tokens was given"):
        trainer(Metered(), budget=lmtx.Budget(tokens=600))


def test_limits_below_nothing_are_refused(trainer):
    for name in ("tokens", "cost", "seconds"):
        with pytest.raises(ValueError, match=f"`{name}` of the budget must be at least 0, but is -1"):
            trainer(Metered(), budget=lmtx.Budget(**{name: -1}))
    with pytest.raises(ValueError, match="rate `prompt` must be at least 0"):
        trainer(Metered(), rates=lmtx.Rates(prompt=-1))


def test_a_plan_estimates_tokens_money_and_hours_and_names_the_limit(trainer, tmp_path):
    teacher = Metered()
    rates = lmtx.Rates(prompt=100, completion=1000, tokens_per_second=50)
    plan = trainer(teacher, budget=lmtx.Budget(tokens=500), rates=rates).plan()
    assert teacher.questions == 0 and not (tmp_path / "run").exists()
    assert plan.limit == "tokens"
    estimate = plan.estimate
    assert estimate.sampled == 60
    assert estimate.computed_tokens.value < estimate.prompt_tokens.value
    assert estimate.hours.value == pytest.approx((estimate.prompt_tokens.value + estimate.completion_tokens.value) / 50 / 3600)
    assert estimate.cost.value == pytest.approx((estimate.prompt_tokens.value * 100 + estimate.completion_tokens.value * 1000) / 1e6)
    # An upper bound on what the run takes.
    free = trainer(Metered(), rates=rates)
    assert free.plan().limit == ""
    report = free.run()
    assert report.usage.prompt_tokens <= free.plan().estimate.prompt_tokens.high


def test_a_plan_learns_from_earlier_answers_of_a_teacher_that_cannot_tell(trainer):
    assert trainer(Metered(tells=False)).plan().estimate is None
    report = trainer(Metered(tells=False)).run()
    estimate = trainer(Metered(tells=False)).plan().estimate
    assert estimate.sampled == 0
    each = report.usage.prompt_tokens / (report.total.judgments + report.total.abstentions)
    assert estimate.prompt_tokens.value == pytest.approx(trainer(Metered()).plan().judgments * each)
