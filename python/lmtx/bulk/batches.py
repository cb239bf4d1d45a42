"""How many texts to tag at once, found while tagging."""

import contextlib
import time
from collections.abc import Iterator

__all__ = ["BatchSizer"]


class BatchSizer:
    """Doubles the batch while that makes tagging faster, then leaves it.

    Batches tell nothing about tags: a text has the same in any (on a card up to the last digits of scores).

    Args:
        first: Texts in the first batch.
        most: Texts that are never exceeded.
        gain: What a doubling must bring to be kept: 1.05 is five per cent more tokens a second.
        seconds: What a batch should not take longer than: what an interruption may cost, and how often there is something to see.
    """

    def __init__(self, *, first: int = 32, most: int = 4096, gain: float = 1.05, seconds: float = 2.0):
        self.size = min(first, most)
        self._most, self._gain, self._seconds = most, gain, seconds
        self._settled = False
        # Tokens a second of the size before, and those seen at this one: two, since the first is often slower.
        self._before = 0.0
        self._seen: list[float] = []

    @contextlib.contextmanager
    def timing(self, texts: int, tokens: int) -> Iterator[None]:
        """Learns from a batch that is tagged meanwhile."""
        started = time.monotonic()
        yield
        self.learn(texts, tokens, time.monotonic() - started)

    def learn(self, texts: int, tokens: int, seconds: float) -> None:
        """Takes note of a batch. One that is smaller than `size`, such as the last or one of long texts, tells nothing."""
        if seconds > 2 * self._seconds and self.size > 1:
            self.size, self._settled = max(1, min(texts, self.size) // 2), True
        if self._settled or texts < self.size:
            return
        self._seen.append(tokens / max(seconds, 1e-9))
        if len(self._seen) == 2:
            self._decide(max(self._seen), seconds)

    def _decide(self, rate: float, seconds: float) -> None:
        if rate < self._gain * self._before:
            self.size, self._settled = self.size // 2, True
        elif 2 * self.size > self._most or 2 * seconds > self._seconds:
            self._settled = True
        else:
            self.size, self._before, self._seen = 2 * self.size, rate, []
