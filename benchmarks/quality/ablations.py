"""Each choice of the preset `default` switched off or otherwise set, one at a time: the rows of the table in docs/quality.md."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ablation:
    # What it asks, as the table says it.
    title: str
    options: dict = field(default_factory=dict)


ABLATIONS = {}
