"""Progress as people see it."""

import io
import types

from rich.console import Console

from lmtx.progress import ProgressDisplay


def event(kind="progress", stage="train", cycle=0, done=0, total=10, message=""):
    return types.SimpleNamespace(kind=kind, stage=stage, cycle=cycle, done=done, total=total, message=message)


def show(terminal, events):
    output = io.StringIO()
    with ProgressDisplay(Console(file=output, force_terminal=terminal, width=120)) as display:
        for each in events:
            display(each)
    return output.getvalue()


def test_a_terminal_gets_bars_named_by_cycle_and_stage():
    text = show(True, [event(done=3), event(done=10), event(stage="ask", cycle=-1, done=1)])
    assert "cycle 0: train" in text and "10/10" in text and "ask" in text


def test_a_file_gets_one_line_a_stage():
    text = show(False, [event(done=done) for done in range(11)] + [event(kind="notice", message="[a notice]"), event(stage="ask", total=0)])
    assert text.splitlines() == ["cycle 0: train: 10 in 0 s", "[a notice]"]


def test_a_function_gets_the_events_instead():
    seen = []
    with ProgressDisplay.for_argument(seen.append) as display:
        display("an event")
    assert seen == ["an event"]
    with ProgressDisplay.for_argument(False) as display:
        display(event())
