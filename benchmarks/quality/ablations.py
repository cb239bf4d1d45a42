"""Each choice of the preset `default` undone or made otherwise, one at a time: the rows of a table in docs/quality.md."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ablation:
    # What is done instead, as the table says it.
    title: str
    options: dict = field(default_factory=dict)


ABLATIONS = {
    # What is shortlisted.
    "dense": Ablation("shortlists by vectors alone", {"shortlist_sources": "dense"}),
    "neighbours": Ablation("labels of judged neighbours on shortlists, too", {"shortlist_sources": "dense+bm25+neighbours"}),
    "exploration": Ablation("two labels from outside on every shortlist", {"exploration": 2}),
    # What is asked.
    "top": Ablation("the top of shortlists asked", {"asking": "top"}),
    "no-stop": Ablation("no stop down a shortlist after noes", {"stop_after_noes": 0}),
    "one-round": Ablation("all asked at once", {"cycles": 1}),
    "last-round": Ablation("only the last round's judgments learned from", {"use_all_judgments": False}),
    # What scores become.
    "hard": Ablation("scores taken as yes and no", {"targets": "hard"}),
    "shifted": Ablation("scores shifted to the true share of yes", {"targets": "shifted"}),
    # How it is learned.
    "triplet": Ablation("the published loss and one yes a step", {"loss": "triplet", "plan": "one_yes"}),
    "decoupled": Ablation("decoupled softmax", {"loss": "decoupled"}),
    "listwise": Ablation("listwise divergence", {"loss": "listwise"}),
    "margin-mse": Ablation("margins of scores", {"loss": "margin_mse"}),
    "no-far": Ablation("judged labels alone, none far away", {"far_weight": 0}),
    "no-mask": Ablation("near labels that are not judged taken as noes", {"mask_near": 0}),
    "short": Ablation("100 steps", {"steps": 100}),
    "long": Ablation("900 steps", {"steps": 900}),
    "warm": Ablation("each round from the last one's weights", {"restart": False}),
    "mix": Ablation("three tenths of the base encoder mixed in", {"base_mix": 0.7}),
    # What becomes of labels.
    "no-prototypes": Ablation("labels not moved by verdicts", {"prototype_weight": 0}),
    "residuals": Ablation("labels moved by a trained vector, too", {"label_residuals": 50}),
    "bias": Ablation("a bias for every judged label", {"label_bias": True}),
    # Which student is kept.
    "rank1": Ablation("the published rule of stopping", {"selection": "rank1"}),
}
