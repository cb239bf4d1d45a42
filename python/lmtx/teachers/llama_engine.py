"""A GGUF model in llama.cpp: the beginning that several texts share is computed once, and all their ends in one batch."""

import ctypes
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .optional_packages import import_for

__all__ = ["LlamaEngine"]

# Sequence 0 holds what texts share; a batch has so many others at most, and llama.cpp wants no more sequences than tokens in a batch.
SEQUENCES = 64


class LlamaEngine:
    """Not to be used from several threads at once.

    Args:
        file: The model.
        n_ctx: Tokens that the memory holds: of one shared beginning and all ends that are computed together.
        n_batch: Tokens computed at once.
        n_threads: 0: as llama.cpp does by default.
        n_gpu_layers: Layers on the card; -1: all.

    Raises:
        ImportError: Without the package llama-cpp-python.
        ValueError: For a file that is no model.
    """

    def __init__(self, file: Path, *, n_ctx: int, n_batch: int, n_threads: int, n_gpu_layers: int):
        self._model = self._context = None
        self._api = api = import_for("llama_cpp", "llama_cpp.llama_cpp", "llama-cpp-python")
        logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL)
        api.llama_backend_init()
        self._model = _load_model(api, file, n_gpu_layers)
        self._vocabulary = api.llama_model_get_vocab(self._model)
        self.n_batch = max(2, min(n_batch, n_ctx))
        self._num_sequences = min(SEQUENCES, self.n_batch - 1)
        self._context = _make_context(api, self._model, n_ctx, self.n_batch, self._num_sequences + 1, n_threads)
        self.n_ctx: int = api.llama_n_ctx(self._context)
        self._memory = api.llama_get_memory(self._context)
        # What sequence 0 holds.
        self._held: list[int] = []
        # Tokens computed so far.
        self.num_computed = 0

    def close(self) -> None:
        """Gives the memory back; nothing may be computed any more."""
        if self._context:
            self._api.llama_free(self._context)
        if self._model:
            self._api.llama_model_free(self._model)
        self._model = self._context = None

    def __del__(self) -> None:
        self.close()

    def metadata(self, key: str) -> str:
        """A text of the file's head; "" where it has none of that name."""
        size = self._api.llama_model_meta_val_str(self._model, key.encode(), None, 0)
        if size < 0:
            return ""
        buffer = ctypes.create_string_buffer(size + 1)
        self._api.llama_model_meta_val_str(self._model, key.encode(), buffer, size + 1)
        return buffer.value.decode("utf-8", "replace")

    def special_piece(self, name: str) -> str:
        """The text of the token "bos" or "eos"; "" where there is none."""
        id = getattr(self._api, f"llama_vocab_{name}")(self._vocabulary)
        return self._piece(id) if id >= 0 else ""

    def first_tokens(self) -> list[int]:
        """What the model wants at the beginning of every text."""
        adds = self._api.llama_vocab_get_add_bos(self._vocabulary)
        return [self._api.llama_vocab_bos(self._vocabulary)] if adds else []

    def pieces(self) -> list[str]:
        """The text of every token of the vocabulary."""
        return [self._piece(id) for id in range(self._api.llama_vocab_n_tokens(self._vocabulary))]

    def _piece(self, id: int) -> str:
        buffer = ctypes.create_string_buffer(64)
        size = self._api.llama_token_to_piece(self._vocabulary, id, buffer, 64, 0, True)
        return buffer.raw[: max(0, size)].decode("utf-8", "replace")

    def encode(self, text: str, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        ids = (self._api.llama_token * room)()
        count = self._api.llama_tokenize(self._vocabulary, data, len(data), ids, room, False, special)
        return ids[:count]  # type: ignore[no-any-return]

    def logits_after(self, prefix: list[int], ends: list[list[int]]) -> npt.NDArray[np.float32]:
        """The logits of the token that follows each text prefix + end, float32 [len(ends), num_tokens]. No end may be empty.

        Raises:
            ValueError: For a text that is longer than n_ctx tokens.
        """
        longest = len(prefix) + max(map(len, ends))
        if longest > self.n_ctx:
            raise ValueError(
                f"a prompt has {longest:,} tokens, but n_ctx is {self.n_ctx:,}: give a larger n_ctx, or a prompt that shows fewer of a document's tokens."
            )
        self._hold(prefix)
        return np.concatenate([self._compute_ends(group) for group in self._groups(ends)])

    def _hold(self, prefix: list[int]) -> None:
        """Makes `prefix` what sequence 0 holds; what the prefix before had in common with it stays."""
        kept = next((i for i, (a, b) in enumerate(zip(self._held, prefix, strict=False)) if a != b), min(len(self._held), len(prefix)))
        if not self._api.llama_memory_seq_rm(self._memory, 0, kept, -1):  # Memories that are a state, not a list, cannot forget a part.
            self._api.llama_memory_seq_rm(self._memory, 0, -1, -1)
            kept = 0
        self._held = prefix[:kept]
        for begin in range(kept, len(prefix), self.n_batch):
            part = prefix[begin : begin + self.n_batch]
            self._decode([(token, begin + i, 0, False) for i, token in enumerate(part)])
            self._held = prefix[: begin + len(part)]

    def _groups(self, ends: list[list[int]]) -> list[list[list[int]]]:
        """Ends that are computed together: as many as fit into a batch and beside the prefix."""
        room = min(self.n_batch, self.n_ctx - len(self._held))
        groups: list[list[list[int]]] = []
        size = room + 1
        for end in ends:
            if size + len(end) > room or len(groups[-1]) == self._num_sequences:
                groups.append([])
                size = 0
            groups[-1].append(end)
            size += len(end)
        return groups

    def _compute_ends(self, ends: list[list[int]]) -> npt.NDArray[np.float32]:
        begin = len(self._held)
        for sequence in range(1, len(ends) + 1):
            self._api.llama_memory_seq_cp(self._memory, 0, sequence, -1, -1)
        try:
            return self._last_logits(ends, begin)
        finally:
            for sequence in range(1, len(ends) + 1):
                self._api.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def _last_logits(self, ends: list[list[int]], begin: int) -> npt.NDArray[np.float32]:
        """An end that is longer than a batch stands alone; all of it but the last tokens is computed before."""
        while len(ends[0]) > self.n_batch:
            head, ends = ends[0][: self.n_batch], [ends[0][self.n_batch :]]
            self._decode([(token, begin + i, 1, False) for i, token in enumerate(head)])
            begin += len(head)
        rows = [(token, begin + i, sequence, i == len(end) - 1) for sequence, end in enumerate(ends, 1) for i, token in enumerate(end)]
        self._decode(rows)
        size = self._api.llama_vocab_n_tokens(self._vocabulary)
        last = [i for i, row in enumerate(rows) if row[3]]
        return np.stack([np.ctypeslib.as_array(self._api.llama_get_logits_ith(self._context, i), shape=(size,)).copy() for i in last])

    def _decode(self, rows: list[tuple[int, int, int, bool]]) -> None:
        """Computes tokens: (id, position, sequence, whether its logits are wanted) each."""
        batch = self._api.llama_batch_init(len(rows), 0, 1)
        try:
            batch.n_tokens = len(rows)
            for i, (token, position, sequence, wanted) in enumerate(rows):
                batch.token[i], batch.pos[i], batch.logits[i] = token, position, wanted
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            result = self._api.llama_decode(self._context, batch)
        finally:
            self._api.llama_batch_free(batch)
        if result != 0:
            self._api.llama_memory_clear(self._memory, True)
            self._held = []
            raise RuntimeError(f"llama.cpp could not compute {len(rows)} tokens (llama_decode gave {result}).")
        self.num_computed += len(rows)


def _load_model(api: Any, file: Path, n_gpu_layers: int) -> Any:
    if not file.is_file():
        raise ValueError(f"{file} is no file; a GGUF model is expected.")
    parameters = api.llama_model_default_params()
    parameters.n_gpu_layers = n_gpu_layers
    model = api.llama_model_load_from_file(str(file).encode(), parameters)
    if not model:
        raise ValueError(f"{file} is no GGUF model that this llama.cpp can load.")
    return model


def _make_context(api: Any, model: Any, n_ctx: int, n_batch: int, n_sequences: int, n_threads: int) -> Any:
    parameters = api.llama_context_default_params()
    parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = n_ctx, n_batch, n_batch
    parameters.n_seq_max = n_sequences
    # One memory for all sequences, in which they share their prefix.
    parameters.kv_unified = True
    if n_threads:
        parameters.n_threads = parameters.n_threads_batch = n_threads
    context = api.llama_init_from_model(model, parameters)
    if not context:
        raise RuntimeError(f"llama.cpp could not make a context of {n_ctx:,} tokens; there may be too little memory.")
    return context
