"""A person at the terminal as the teacher."""

import re
import sys
import time
from typing import TextIO

from rich.console import Console
from rich.text import Text

from .._core import AnswerSink, Question, TeacherError, TeacherOracle, Usage, Verdict

__all__ = ["HumanTeacher", "human"]

HELP = "y yes, n no, s skip, ? whole document, b back, q quit"
LIST_HELP = "numbers of the tags that fit, such as 1 4; - none; 4s skip tag 4; ? whole document, q quit"
# What could move the cursor or change the terminal; line ends and tabs are harmless.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class HumanTeacher(TeacherOracle):
    """Asks a person, in words and by keys, a line for each answer. See human()."""

    def __init__(self, name: str, at_once: bool, characters: int, source: TextIO | None, console: Console | None):
        super().__init__()
        self._name, self._at_once, self._characters = name, at_once, characters
        self._source, self._console = source, console or Console(highlight=False, soft_wrap=False)

    def identity(self) -> str:
        return f"human/{self._name}" if self._name else "human"

    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        for question in questions:
            if answers.stop_requested:
                return
            self._show_document(question, whole=False)
            if self._at_once:
                self._ask_list(question, answers)
            else:
                self._ask_one_by_one(question, answers)

    def _ask_one_by_one(self, question: Question, answers: AnswerSink) -> None:
        """Each answer is stored when the next one comes, so that it can be taken back until then, or when the asking ends."""
        held: tuple[int, Verdict, float] | None = None
        position = 0
        try:
            while position < len(question) and not answers.stop_requested:
                started = time.monotonic()
                self._show_label(question, position)
                key = self._read_key(question)
                if key == "b":
                    position, held = self._back(position, held)
                    continue
                self._store(question, answers, held)
                held = (position, verdict_of(key), time.monotonic() - started)
                position += 1
        finally:
            self._store(question, answers, held)

    def _back(self, position: int, held: tuple[int, Verdict, float] | None) -> tuple[int, tuple[int, Verdict, float] | None]:
        if held is None:
            self._say("Only the last answer can be taken back, and only while its document is being asked about.")
            return position, None
        return held[0], None

    def _store(self, question: Question, answers: AnswerSink, held: tuple[int, Verdict, float] | None) -> None:
        if held is not None:
            position, verdict, seconds = held
            answers.put(question.part([position]), [verdict], usage=Usage(seconds=seconds))

    def _ask_list(self, question: Question, answers: AnswerSink) -> None:
        started = time.monotonic()
        for position in range(len(question)):
            self._show_label(question, position)
        verdicts = None
        while verdicts is None:
            verdicts = self._read_list(question)
        answers.put(question, verdicts, usage=Usage(seconds=time.monotonic() - started))

    def _read_key(self, question: Question) -> str:
        """y, n, s or b; what else a person may want is done here."""
        while True:
            line = self._read_line(f"  [{HELP}] ")
            if line == "?":
                self._show_document(question, whole=True)
            elif line in ("y", "yes", "n", "no", "s", "skip", "b", "back"):
                return line[0]
            elif line:
                self._say(f"{line!r} is none of: {HELP}.")

    def _read_list(self, question: Question) -> list[Verdict] | None:
        """A verdict a label, or None where the line was something else."""
        line = self._read_line(f"  [{LIST_HELP}] ")
        if line == "?":
            self._show_document(question, whole=True)
            return None
        verdicts = verdicts_of(line, len(question))
        if verdicts is None and line:
            self._say(f"{line!r} is none of: {LIST_HELP}; there are {len(question)} tags.")
        return verdicts

    def _read_line(self, prompt: str) -> str:
        """What the person typed, in lower case. Ends the run where that is q, or nothing will come any more."""
        self._console.print(Text(prompt, style="dim"), end="")
        line = (self._source or sys.stdin).readline()
        if not line:
            raise TeacherError("the person's input has ended; all answers are kept, and the same command asks for the rest.")
        line = line.strip().lower()
        if line in ("q", "quit"):
            raise TeacherError("stopped by the person; all answers are kept, and the same command asks for the rest.")
        return line

    def _show_document(self, question: Question, *, whole: bool) -> None:
        document = question.document
        content = clean(document.content)
        shown = content if whole else cut(content, self._characters)
        self._console.rule(Text(clean(document.uid)), style="dim")
        if document.title:
            self._console.print(Text(clean(document.title), style="bold"))
        self._console.print(Text(shown))
        if len(shown) < len(content):
            self._say(f"… and {len(content) - len(shown):,} characters more: ? shows them")

    def _show_label(self, question: Question, position: int) -> None:
        label = question.labels[position]
        self._console.print(Text.assemble((f"\n{position + 1}/{len(question)}  ", "dim"), (clean(label.name), "bold")))
        if label.description:
            self._console.print(Text(f"     {clean(label.description)}", style="dim"))

    def _say(self, sentence: str) -> None:
        self._console.print(Text(sentence, style="dim"))


def human(name: str = "", *, at_once: bool = False, characters: int = 1500, source: TextIO | None = None, console: Console | None = None) -> HumanTeacher:
    """A person at the terminal: shows a document and its labels, and takes a line for each answer.

    One label at a time the answers are y, n and s (skip: abstains), ? shows the whole document, b takes the last answer back, and q ends the run, which the
    same command goes on with. Each answer is in the store when the next one is given.

    Args:
        name: Whose answers they are; the identity is `human/NAME`, or `human` without one.
        at_once: Show all labels of a document, numbered, and take the numbers of those that fit in one line.
        characters: Of a document's content that are shown at first.
        source: Where lines are read from; None: standard input.
        console: Where questions are shown; None: standard output.

    Example:
        >>> lmtx.teachers.human('ann')
        HumanTeacher(identity='human/ann')
    """
    if characters < 1:
        raise ValueError(f"`characters` must be 1 or more, but is {characters} instead.")
    return HumanTeacher(name, at_once, characters, source, console)


def verdict_of(key: str) -> Verdict:
    return {"y": Verdict.yes(), "n": Verdict.no(), "s": Verdict.abstain()}[key]


def verdicts_of(line: str, num_labels: int) -> list[Verdict] | None:
    """Yes for the numbers in a line, abstained for those with an s, no for the others; None for a line that says something else."""
    if line in ("-", "s", "skip"):
        return [Verdict.no() if line == "-" else Verdict.abstain()] * num_labels
    verdicts = [Verdict.no()] * num_labels
    words = line.replace(",", " ").split()
    for word in words:
        number = re.fullmatch(r"([0-9]{1,9})(s?)", word)
        if not number or not 1 <= int(number[1]) <= num_labels:
            return None
        verdicts[int(number[1]) - 1] = Verdict.abstain() if number[2] else Verdict.yes()
    return verdicts if words else None


def clean(text: str) -> str:
    """Without what would change the terminal, however hostile the document."""
    return CONTROLS.sub("", text)


def cut(text: str, characters: int) -> str:
    """At most so many characters, up to the end of a word where there is one."""
    if len(text) <= characters:
        return text
    space = text.rfind(" ", characters // 2, characters)
    return text[: space if space > 0 else characters]
