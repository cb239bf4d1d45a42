"""What is compared: rankings without a teacher, presets of the trainer with what they may spend, and changed presets."""

from dataclasses import dataclass

import lmtx
from ablations import ABLATIONS

# Labels that the published settings judge for a document in a cycle.
PUBLISHED_JUDGMENTS = 10
# More cycles than any budget lasts for: what ends a capped run is its budget or its stop rule.
CAPPED_CYCLES = 20
# A spent budget is so many judgments a training document, or none is set.
FREE = "free"


@dataclass(frozen=True)
class Arm:
    name: str
    # "ranking" (no training), "prototypes", "preset" or "ceiling".
    kind: str
    preset: str = ""
    has_teacher: bool = True
    # Asks as much as its preset likes, whatever the budget.
    is_free: bool = False
    # The budget sets how many labels are judged for a document in a cycle.
    is_capped: bool = False

    def options(self, budget):
        """What is changed of the preset."""
        if self.is_capped:
            return {"judgments_per_cycle": min(PUBLISHED_JUDGMENTS, budget), "cycles": CAPPED_CYCLES}
        return {}


# All pairs are given at once, none is held out, and every verdict is taken at its word.
CEILING = {"cycles": 1, "development": 0, "targets": "hard"}

ARMS = {
    arm.name: arm
    for arm in (
        Arm("untouched", "ranking", has_teacher=False),
        Arm("bm25", "ranking", has_teacher=False),
        Arm("fusion", "ranking", has_teacher=False),
        Arm("prototypes", "prototypes"),
        Arm("maclr", "preset", "maclr", has_teacher=False),
        Arm("rts", "preset", "rts", has_teacher=False),
        Arm("paper", "preset", "paper", is_capped=True),
        Arm("paper-free", "preset", "paper", is_free=True),
        Arm("paper-tuned", "preset", "paper-tuned", is_capped=True),
        Arm("paper-tuned-free", "preset", "paper-tuned", is_free=True),
        Arm("default", "preset", "default"),
        Arm("ceiling", "ceiling", "default"),
    )
}


def find_arm(name):
    """The arm and its changed options. `default:bce` is the row "bce" of the ablations, a change of the arm `default`.

    Raises:
        ValueError: For an unknown name, listing those there are.
    """
    base, colon, change = name.partition(":")
    if base not in ARMS or (colon and change not in ABLATIONS):
        known = ", ".join([*ARMS, *(f"ARM:{ablation}" for ablation in ABLATIONS)])
        raise ValueError(f"there is no arm {name!r}. Arms: {known}.")
    return ARMS[base], dict(ABLATIONS[change].options) if colon else {}


def resolve(arm, changes, budget, seed):
    """The options of a run.

    Raises:
        ValueError: For a preset or an option that this LMTX does not have.
    """
    last = CEILING if arm.kind == "ceiling" else {}
    return lmtx.TrainerOptions(arm.preset, **{**arm.options(budget), **changes, **last, "seed": seed})


def departures(options):
    """Where options depart from those of the preset `paper`, without the seed: what a result is kept under. Options that come new, and change nothing, do not
    make results stale."""
    published = lmtx.TrainerOptions("paper").to_dict()
    return {name: value for name, value in options.to_dict().items() if name != "seed" and value != published.get(name)}
