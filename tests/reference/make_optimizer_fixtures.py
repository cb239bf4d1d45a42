"""Writes tests/data/train/adamw.json: ten steps of torch.optim.AdamW under the schedule of the paper's runs.

Run in the repository: python tests/reference/make_optimizer_fixtures.py
"""

import json
from pathlib import Path

import torch

OUT = Path(__file__).parents[1] / "data" / "train" / "adamw.json"
SHAPES = [(3, 4), (5,), (2, 2)]
STEPS, RATE = 10, 0.05


def make_case(name, warmup, epsilon, weight_decay, skip_second):
    """With `skip_second` the second parameter's gradient is zero every other step."""
    generator = torch.Generator().manual_seed(7)
    parameters = [torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64)) for shape in SHAPES]
    start = [p.detach().flatten().tolist() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.999), eps=epsilon, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda done: (done + 1) / warmup if done + 1 <= warmup else (STEPS - done - 1) / (STEPS - warmup)
    )
    steps = []
    for t in range(1, STEPS + 1):
        for i, p in enumerate(parameters):
            p.grad = torch.randn(p.shape, generator=generator, dtype=torch.float64) * 10 ** (i - 1)
            if skip_second and i == 1 and t % 2 == 0:
                p.grad.zero_()
        gradients = [p.grad.flatten().tolist() for p in parameters]
        rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        steps.append({"rate": rate, "gradients": gradients, "parameters": [p.detach().flatten().tolist() for p in parameters]})
    return {"name": name, "rate": RATE, "warmup": warmup, "epsilon": epsilon, "weight_decay": weight_decay, "start": start, "steps": steps}


def main():
    cases = [make_case("published settings", 4, 1e-6, 0.0, False), make_case("decay and zero gradients", 2, 1e-3, 0.1, True)]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"shapes": SHAPES, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
