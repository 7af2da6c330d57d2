"""Texts to ids, in this process or, where the tokenizer is slow, in several."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from charrnn.cores import usable_cores
from charrnn.corpora.fitting import FittedTokenizer, load_tokenizer
from charrnn.corpora.worker import Frame, Worker

# Once encoding has taken so many seconds, and so many times as long as all else, other processes are worth starting.
_SLOW_SECONDS = 2.0
_SLOW_SHARE = 4.0
#: Each takes memory for a text and its ids.
_MOST_WORKERS = 8


@dataclass(frozen=True)
class Encoded:
    """The ids of a text as they go to disk, how many they are, and how often each character was unknown."""

    ids: bytes
    tokens: int
    unseen: dict[str, int]


class Encoder:
    """Encodes texts that can each be encoded by itself.

    Args:
        fitted: the tokenizer.
    """

    def __init__(self, fitted: FittedTokenizer) -> None:
        self._fitted = fitted
        self._began = time.monotonic()
        self._encoding = 0.0
        self._workers: list[Worker] = []
        self._asked = 0

    @property
    def at_once(self) -> int:
        """How many texts are encoded at a time: before another, the first of them has to be waited for."""
        return max(1, len(self._workers))

    def encode(self, text: str, raw: bytes) -> Callable[[], Encoded]:
        """Encode a text; ``raw`` is the same in UTF-8. What is returned waits for the ids.

        Raises:
            PluginError: the tokenizer failed; perhaps only when the ids are waited for.
        """
        if not self._workers and self._is_slow():
            self._start_workers()
        if self._workers:
            # In turn, so that none has more than one text: it would wait to be read while we wait to be read by it.
            worker = self._workers[self._asked % len(self._workers)]
            self._asked += 1
            worker.ask({}, raw)
            return lambda: _received(worker)
        began = time.monotonic()
        encoded = encode(self._fitted, text)
        self._encoding += time.monotonic() - began
        return lambda: encoded

    def close(self) -> None:
        """End the other processes."""
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_slow(self) -> bool:
        rest = time.monotonic() - self._began - self._encoding
        return self._encoding > max(_SLOW_SECONDS, _SLOW_SHARE * rest) and usable_cores() > 1

    def _start_workers(self) -> None:
        orders = {
            "tokenizer": self._fitted.entry.name,
            "directory": str(self._fitted.directory.absolute()),
        }
        for _ in range(min(usable_cores(), _MOST_WORKERS)):
            self._workers.append(Worker(f"{__name__}:answer", orders))


def _received(worker: Worker) -> Encoded:
    told, ids = worker.answer()
    return Encoded(ids, told["tokens"], told["unseen"])


def encode(fitted: FittedTokenizer, text: str) -> Encoded:
    """Encode a text in this process.

    Raises:
        PluginError: the tokenizer failed.
    """
    ids = fitted.encode(text)
    with fitted.entry.blamed():
        unseen = dict(fitted.tokenizer.unseen(text))
    return Encoded(ids.astype(fitted.dtype, copy=False).tobytes(), len(ids), unseen)


def answer(orders: dict[str, Any], asked: Iterator[Frame]) -> Iterator[Frame]:
    """Encode what is asked; the work of a :class:`~charrnn.corpora.worker.Worker`."""
    fitted = load_tokenizer(orders["tokenizer"], Path(orders["directory"]))
    for _, raw in asked:
        encoded = encode(fitted, raw.decode("utf-8", "surrogatepass"))
        yield {"tokens": encoded.tokens, "unseen": encoded.unseen}, encoded.ids
