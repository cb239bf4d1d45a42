"""Writes tests/data/train/MODEL.gradients.*: the paper's loss through a whole encoder, in PyTorch and transformers.

For the tiny models of tests/data/models, computed in float64 and without dropout:
  MODEL.gradients.json                 ten batches of token ids, and the loss of each in ten steps of AdamW
  MODEL.gradients.safetensors          gradient:TENSOR of the first batch, and after:TENSOR, the weights after the ten steps
Run in the repository: python tests/reference/make_gradient_fixtures.py
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModel

from paper_loss import paper_loss

DATA = Path(__file__).resolve().parents[1] / "data"
MODELS = ["bert", "distilbert"]
STEPS, BATCH = 10, 6
RATE, WARMUP, EPSILON, WEIGHT_DECAY = 2e-4, 4, 1e-6, 0.01
LOSS = {"margin": 0.3, "hard_negatives": 3, "temperature": 0.1}


def draw_sequences(generator, longest):
    """Without token 0, which is padding to transformers and gets no gradient there."""
    lengths = torch.randint(3, longest + 1, (BATCH,), generator=generator).tolist()
    return [torch.randint(1, 50, (length,), generator=generator).tolist() for length in lengths]


def draw_batch(generator):
    is_yes = (torch.rand(BATCH, BATCH, generator=generator) < 0.15).logical_or(torch.eye(BATCH, dtype=torch.bool))
    return {"documents": draw_sequences(generator, 16), "labels": draw_sequences(generator, 6), "is_yes": is_yes.int().tolist()}


def embed(model, sequences):
    """Each sequence by itself, so that there is no padding; mean pooling and unit length."""
    pooled = torch.cat([model(torch.tensor([ids])).last_hidden_state.mean(1) for ids in sequences])
    return torch.nn.functional.normalize(pooled, dim=1)


def batch_loss(model, batch):
    return paper_loss(embed(model, batch["documents"]), embed(model, batch["labels"]), torch.tensor(batch["is_yes"]) == 1, **LOSS)


def rate_at(t):
    return RATE * (t / WARMUP if t <= WARMUP else (STEPS - t) / (STEPS - WARMUP))


def compute(name):
    """The JSON part and the tensors of a model's fixture."""
    generator = torch.Generator().manual_seed(len(name))
    model = AutoModel.from_pretrained(DATA / "models" / name).double().eval()
    batches = [draw_batch(generator) for _ in range(STEPS)]
    tensors, losses = {}, []
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, eps=EPSILON, weight_decay=WEIGHT_DECAY)
    for t, batch in enumerate(batches, start=1):
        optimizer.zero_grad()
        loss = batch_loss(model, batch)
        loss.backward()
        losses.append(loss.item())
        used = {key: p for key, p in model.named_parameters() if p.grad is not None}
        if t == 1:
            tensors.update({"gradient:" + key: p.grad.clone() for key, p in used.items()})
        for group in optimizer.param_groups:
            group["lr"] = rate_at(t)
        optimizer.step()
    tensors.update({"after:" + key: p.detach().clone() for key, p in used.items()})
    tensors = {key: tensor.float() for key, tensor in tensors.items()}
    settings = {"rate": RATE, "warmup": WARMUP, "epsilon": EPSILON, "weight_decay": WEIGHT_DECAY, **LOSS}
    return {"settings": settings, "batches": batches, "losses": losses}, tensors


def main():
    torch.set_num_threads(1)
    for name in MODELS:
        described, tensors = compute(name)
        (DATA / "train" / f"{name}.gradients.json").write_text(json.dumps(described) + "\n")
        save_file(tensors, DATA / "train" / f"{name}.gradients.safetensors")
        print(name, "losses", described["losses"])


if __name__ == "__main__":
    main()
