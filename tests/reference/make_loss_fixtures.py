"""Writes tests/data/train/triplet_loss.json: what a plain PyTorch implementation of the paper's loss gives for random inputs.

Run in the repository: python tests/reference/make_loss_fixtures.py
"""

import json
from pathlib import Path

import torch

from paper_loss import paper_loss

OUT = Path(__file__).parents[1] / "data" / "train" / "triplet_loss.json"


def rounded_unit_rows(generator, n, dim):
    """Rows that JSON holds in few digits; of unit length up to those digits, which the loss does not need."""
    rows = torch.nn.functional.normalize(torch.randn(n, dim, generator=generator, dtype=torch.float64), dim=1)
    return torch.round(rows * 1e6) / 1e6


def make_case(name, seed, batch, dim, margin, hard_negatives, temperature, yes_share):
    generator = torch.Generator().manual_seed(seed)
    documents = rounded_unit_rows(generator, batch, dim).requires_grad_()
    labels = rounded_unit_rows(generator, batch, dim).requires_grad_()
    is_yes = torch.rand(batch, batch, generator=generator) < yes_share
    loss = paper_loss(documents, labels, is_yes, margin, hard_negatives, temperature)
    loss.backward()
    return {
        "name": name,
        "margin": margin,
        "hard_negatives": hard_negatives,
        "violator_temperature": temperature,
        "documents": documents.tolist(),
        "labels": labels.tolist(),
        "is_yes": is_yes.int().tolist(),
        "loss": loss.item(),
        "documents_gradient": documents.grad.tolist(),
        "labels_gradient": labels.grad.tolist(),
    }


def main():
    torch.set_num_threads(1)
    cases = [
        make_case("published settings", 1, 24, 6, 0.3, 10, 0.1, 0.05),
        make_case("many yeses", 2, 12, 5, 0.3, 10, 0.1, 0.7),
        make_case("one negative a document", 3, 9, 4, 0.1, 1, 0.1, 0.1),
        make_case("sharp temperature", 4, 16, 4, 0.3, 8, 0.001, 0.1),
        make_case("fewer columns than hard negatives", 5, 4, 3, 0.5, 10, 0.2, 0.0),
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(["[", ",\n".join(json.dumps(case) for case in cases), "]", ""]))


if __name__ == "__main__":
    main()
