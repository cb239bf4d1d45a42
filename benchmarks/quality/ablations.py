"""Each choice of the preset `default` switched off or otherwise set, one at a time: the rows of the table in docs/quality.md."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ablation:
    # What it asks, as the table says it.
    title: str
    options: dict = field(default_factory=dict)


ABLATIONS = {
    "one-cycle": Ablation("everything asked at once", {"cycles": 1}),
    "six-cycles": Ablation("six cycles", {"cycles": 6}),
    "top": Ablation("the first labels of every document are asked, no streams", {"asking": "top"}),
    "no-coverage": Ablation("no stream for labels that few documents carry", {"coverage_share": 0.0}),
    "cut-20": Ablation("a fifth of what is asked near the student's cut", {"cut_share": 0.2}),
    "no-stop": Ablation("lists are gone down whatever the noes", {"stop_after_noes": 0}),
    "breadth-8": Ablation("eight labels of a new document instead of four", {"asking_breadth": 8}),
    "dense": Ablation("shortlists by vectors alone", {"shortlist_sources": "dense"}),
    "neighbours": Ablation("labels of judged neighbours on the shortlists, too", {"shortlist_sources": "dense+bm25+neighbours"}),
    "exploration": Ablation("two labels drawn at random on every shortlist", {"exploration": 2}),
    "hard": Ablation("verdicts taken at their word", {"targets": "hard"}),
    "shifted": Ablation("targets by a yes-rate shift and two cuts", {"targets": "shifted", "yes_rate": -1.0}),
    "false-no-20": Ablation("a fifth of the fitting labels taken to be missed by the teacher", {"false_no_rate": 0.2}),
    "last-cycle": Ablation("each cycle's verdicts alone", {"use_all_judgments": False}),
    "triplet": Ablation("triplet loss on all judgments", {"loss": "triplet"}),
    "published-loss": Ablation("the published loss: triplets, one yes of a document a step", {"loss": "triplet", "plan": "one_yes"}),
    "decoupled": Ablation("decoupled softmax, with 0.3 of the cross-entropy", {"loss": "decoupled", "bce_weight": 0.3}),
    "listwise": Ablation("listwise loss, with 0.3 of the cross-entropy", {"loss": "listwise", "bce_weight": 0.3}),
    "margin-mse": Ablation("margin-MSE, with 0.3 of the cross-entropy", {"loss": "margin_mse", "bce_weight": 0.3}),
    "bce-decoupled": Ablation("0.3 of the decoupled softmax beside the cross-entropy", {"decoupled_weight": 0.3}),
    "columns": Ablation("half a decoupled softmax from labels to documents beside it", {"column_weight": 0.5}),
    "no-far": Ablation("judged labels alone, none far away", {"far_weight": 0.0}),
    "no-mask": Ablation("near labels that nobody judged are negatives", {"mask_near": 0}),
    "mask-20": Ablation("the first 20 places are masked instead of 50", {"mask_near": 20}),
    "no-prototypes": Ablation("labels stay where their names are", {"prototype_weight": 0.0}),
    "residuals": Ablation("residual vectors on top of prototypes", {"label_residuals": 50}),
    "bias": Ablation("a bias for each label", {"label_bias": True}),
    "warm": Ablation("each cycle from the last one's weights", {"restart": False}),
    "base-mix": Ablation("15 % of the base encoder's weights mixed in", {"base_mix": 0.85}),
    "rank1": Ablation("students chosen by the published rule", {"selection": "rank1"}),
    "steps-150": Ablation("150 steps", {"steps": 150}),
    "steps-600": Ablation("600 steps", {"steps": 600}),
    "rate-1e-4": Ablation("twice the learning rate", {"learning_rate": 1e-4}),
    "length-128": Ablation("128 tokens of a document", {"document_length": 128}),
    "length-450": Ablation("450 tokens of a document", {"document_length": 450}),
}
