"""Training as PyTorch does it: DistilBERT under bfloat16 autocast, padded or packed, as it is or compiled, each at its best."""

import time

import numpy as np
import torch

MARGIN, NEGATIVES, TEMPERATURE = 0.3, 10, 0.1


def triplet_loss(documents, labels):
    """Of unit rows [batch, dim]: docs/training.md."""
    similarity = documents @ labels.T
    batch = len(documents)
    with torch.no_grad():
        own = torch.eye(batch, dtype=torch.bool, device=similarity.device)
        scores, columns = similarity.masked_fill(own, -torch.inf).topk(min(NEGATIVES, batch - 1), dim=1)
        violates = scores - similarity.diagonal()[:, None] + MARGIN > 0
        weights = torch.where(violates, ((scores - scores.amax(1, keepdim=True)) / TEMPERATURE).exp(), 0.0)
        weights = weights / weights.sum(1, keepdim=True).clamp_min(1e-30)
    violations = similarity.gather(1, columns) - similarity.diagonal()[:, None] + MARGIN
    return (weights * violations).sum() / batch


def normalize(vectors):
    return torch.nn.functional.normalize(vectors.float(), dim=1)


# -- padded


class Padded(torch.nn.Module):
    """The model of transformers, with scaled_dot_product_attention."""

    def __init__(self, folder):
        super().__init__()
        from transformers import DistilBertModel

        self.model = DistilBertModel.from_pretrained(folder, attn_implementation="sdpa")

    def forward(self, documents, labels):
        return triplet_loss(self.embed(*documents), self.embed(*labels))

    def embed(self, ids, mask):
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        kept = mask[:, :, None].float()
        return normalize((hidden * kept).sum(1) / kept.sum(1))


def pad(sequences):
    """Ids and mask [batch, longest]."""
    longest = max(map(len, sequences))
    ids = np.zeros((len(sequences), longest), dtype=np.int64)
    mask = np.zeros((len(sequences), longest), dtype=np.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)


def padded_batch(documents, labels):
    return pad(documents), pad(labels)


# -- packed


def flash_attention(qkv, offsets, longest, dropout):
    """Of packed [tokens, 3, heads, 64], each text by itself."""
    q, k, v = qkv.unbind(1)
    return torch.ops.aten._flash_attention_forward(q, k, v, offsets, offsets, longest, longest, dropout, False, False)[0]


def separate_attention(qkv, offsets, longest, dropout):
    """The same, text by text, for tests without a card."""
    parts = []
    for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        q, k, v = qkv[begin:end].permute(1, 2, 0, 3)
        parts.append(torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None], dropout_p=dropout)[0].transpose(0, 1))
    return torch.cat(parts)


class PackedLayer(torch.nn.Module):
    def __init__(self, weights, prefix, heads, attention):
        super().__init__()
        self.heads, self.attention = heads, attention
        parts = [weights.linear(f"{prefix}.attention.{name}_lin") for name in "qkv"]
        self.qkv = joined(parts)
        self.out = weights.linear(f"{prefix}.attention.out_lin")
        self.norm = weights.norm(f"{prefix}.sa_layer_norm")
        self.inner = weights.linear(f"{prefix}.ffn.lin1")
        self.outer = weights.linear(f"{prefix}.ffn.lin2")
        self.output_norm = weights.norm(f"{prefix}.output_layer_norm")

    def forward(self, hidden, offsets, longest, dropout):
        qkv = self.qkv(hidden).view(len(hidden), 3, self.heads, -1)
        attended = self.attention(qkv, offsets, longest, dropout if self.training else 0.0).reshape(hidden.shape)
        hidden = self.norm(self.out(attended) + hidden)
        inner = torch.nn.functional.gelu(self.inner(hidden))
        return self.output_norm(torch.nn.functional.dropout(self.outer(inner), dropout, self.training) + hidden)


class Packed(torch.nn.Module):
    """The same model on the tokens of documents and labels in one row, without padding: a single pass for both."""

    def __init__(self, folder, attention=flash_attention):
        super().__init__()
        from transformers import DistilBertModel

        source = DistilBertModel.from_pretrained(folder)
        weights = Weights(source)
        self.dropout = source.config.dropout
        self.words, self.positions = weights.embedding("embeddings.word_embeddings"), weights.embedding("embeddings.position_embeddings")
        self.norm = weights.norm("embeddings.LayerNorm")
        layers, heads = source.config.n_layers, source.config.n_heads
        self.layers = torch.nn.ModuleList(PackedLayer(weights, f"transformer.layer.{i}", heads, attention) for i in range(layers))

    def forward(self, ids, positions, texts, offsets, longest):
        vectors = self.embed(ids, positions, texts, offsets, longest)
        batch = len(vectors) // 2
        return triplet_loss(vectors[:batch], vectors[batch:])

    def embed(self, ids, positions, texts, offsets, longest):
        hidden = torch.nn.functional.dropout(self.norm(self.words(ids) + self.positions(positions)), self.dropout, self.training)
        for layer in self.layers:
            hidden = layer(hidden, offsets, longest, self.dropout)
        sums = torch.zeros(len(offsets) - 1, hidden.shape[1], device=hidden.device).index_add(0, texts, hidden.float())
        return normalize(sums / offsets.diff()[:, None])


class Weights:
    """Parts of packed models out of those of transformers."""

    def __init__(self, source):
        self.modules = dict(source.named_modules())

    def linear(self, name):
        return self.modules[name]

    norm = embedding = linear


def joined(parts):
    """Several products of the same input as one."""
    linear = torch.nn.Linear(parts[0].in_features, sum(part.out_features for part in parts))
    with torch.no_grad():
        linear.weight.copy_(torch.cat([part.weight for part in parts]))
        linear.bias.copy_(torch.cat([part.bias for part in parts]))
    return linear


def packed_batch(documents, labels, longest):
    sequences = [*documents, *labels]
    lengths = np.array([len(sequence) for sequence in sequences])
    ids = np.concatenate(sequences).astype(np.int64)
    positions = np.concatenate([np.arange(length) for length in lengths])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return *map(torch.from_numpy, (ids, positions, np.repeat(np.arange(len(lengths)), lengths), offsets)), longest


# -- training


def to_card(value):
    if isinstance(value, tuple):
        return tuple(map(to_card, value))
    return value.cuda(non_blocking=True) if isinstance(value, torch.Tensor) else value


def pinned(value):
    if isinstance(value, tuple):
        return tuple(map(pinned, value))
    return value.pin_memory() if isinstance(value, torch.Tensor) else value


class Training:
    """Steps on a card. Batches are made beforehand and wait in pinned memory, so that their assembly costs the peer nothing."""

    def __init__(self, kind, folder, batches, longest):
        torch.set_float32_matmul_precision("high")
        torch.manual_seed(0)
        packed = kind == "unpadded"
        self.model = (Packed if packed else Padded)(folder).cuda().train()
        self.compute = self.model if kind == "padded" else torch.compile(self.model, dynamic=True if packed else None)
        self.batches = [pinned(packed_batch(*batch, longest) if packed else padded_batch(*batch)) for batch in batches]
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=2e-5, fused=True)
        self.step = 0

    def run(self, steps):
        """Seconds of so many steps."""
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            batch = to_card(self.batches[self.step % len(self.batches)])
            with torch.autocast("cuda", torch.bfloat16):
                loss = self.compute(*batch)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
        torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        if not torch.isfinite(loss):
            raise RuntimeError(f"the loss became {loss.item()}")
        return seconds
