"""A causal language model of transformers: the beginning that several texts share is computed once, and all their ends together."""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .optional_packages import import_for

__all__ = ["TransformersEngine"]


class TransformersEngine:
    """Not to be used from several threads at once.

    Args:
        model: A PreTrainedModel with a head that gives logits, on its device.
        answers: The tokens whose probabilities are wanted, int64 [num_answers].
        rows_per_batch: Ends that are computed together at most.
    """

    def __init__(self, model: Any, answers: npt.NDArray[np.int64], rows_per_batch: int):
        self._torch = import_for("transformers", "torch", "torch")
        self._model = model.eval()
        self._answers = self._torch.as_tensor(answers, device=model.device)
        self._rows_per_batch = rows_per_batch
        self._keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters

    def logprobs_after(self, prefixes: Sequence[list[int]], ends: Sequence[list[list[int]]]) -> list[npt.NDArray[np.float32]]:
        """Of several documents, for each of which ends[i] go on from prefixes[i]: natural logarithms of the probabilities that an answer token follows,
        float32 [len(ends[i]), num_answers]. No prefix and no end may be empty."""
        rows = [(document, end) for document, of_document in enumerate(ends) for end in of_document]
        with self._torch.inference_mode():
            mask, cache = self._compute_prefixes(prefixes)
            parts = []
            for begin in range(0, len(rows), self._rows_per_batch):
                part = rows[begin : begin + self._rows_per_batch]
                is_last = begin + len(part) == len(rows)
                parts.append(self._compute_ends(part, mask, cache if is_last else copy.deepcopy(cache)))
            found = self._torch.cat(parts).cpu().numpy()
        return np.split(found, np.cumsum([len(of_document) for of_document in ends])[:-1])

    def _compute_prefixes(self, prefixes: Sequence[list[int]]) -> tuple[Any, Any]:
        """Which places hold a token, bool [len(prefixes), longest], padded on the left so that ends follow at once; and what the model keeps of them."""
        longest = max(map(len, prefixes))
        ids = self._tensor([[0] * (longest - len(prefix)) + prefix for prefix in prefixes])
        mask = self._tensor([[0] * (longest - len(prefix)) + [1] * len(prefix) for prefix in prefixes])
        result = self._call(ids, mask, (mask.cumsum(1) - 1).clamp(min=0), None, self._tensor([longest - 1]))
        return mask, result.past_key_values

    def _compute_ends(self, rows: list[tuple[int, list[int]]], prefix_mask: Any, cache: Any) -> Any:
        """Logarithms of probabilities, float32 [len(rows), num_answers]. `cache` is used up."""
        of_row = self._tensor([document for document, _ in rows])
        longest = max(len(end) for _, end in rows)
        ids = self._tensor([end + [0] * (longest - len(end)) for _, end in rows])
        mask = self._tensor([[1] * len(end) + [0] * (longest - len(end)) for _, end in rows])
        mask = self._torch.cat([prefix_mask[of_row], mask], dim=1)
        first = prefix_mask.sum(1)[of_row]
        positions = first[:, None] + self._torch.arange(longest, device=ids.device)
        cache.batch_select_indices(of_row)
        last = self._tensor([len(end) - 1 for _, end in rows])
        kept = last.unique()
        logits = self._call(ids, mask, positions, cache, kept).logits
        logits = logits[self._torch.arange(len(rows), device=ids.device), self._torch.searchsorted(kept, last)]
        return logits.float().log_softmax(-1)[:, self._answers]

    def _call(self, ids: Any, mask: Any, positions: Any, cache: Any, kept: Any) -> Any:
        """With the logits at the places `kept` alone: those of a whole vocabulary take room."""
        keep = {"logits_to_keep": kept} if self._keeps_logits else {}
        result = self._model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, **keep)
        if not self._keeps_logits:
            result.logits = result.logits[:, kept]
        return result

    def _tensor(self, rows: Any) -> Any:
        return self._torch.tensor(rows, dtype=self._torch.int64, device=self._model.device)
