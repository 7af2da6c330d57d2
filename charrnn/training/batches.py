"""Chunks of a corpus for truncated backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from charrnn.tokenizers.base import Ids


def chunks_per_epoch(tokens: int, seq_len: int, batch_size: int) -> int:
    """Count the chunks, which are optimizer steps, of one pass over the corpus."""
    return -(-(tokens // batch_size) // seq_len)


class Batches(Protocol):
    """Where chunks come from."""

    @property
    def per_epoch(self) -> int | None:
        """Chunks of one pass over the corpus, where that is known."""

    @property
    def waited(self) -> float:
        """Seconds that :meth:`next` has waited for text to be read."""

    @property
    def unseen(self) -> Mapping[str, int]:
        """How often each character was unknown to the tokenizer, where that comes out only while reading."""

    @property
    def epoch(self) -> float:
        """Passes over the corpus so far."""

    @property
    def at_start(self) -> bool:
        """Whether the next chunk follows on nothing."""

    @property
    def position(self) -> Any:
        """Where the next chunk is, as JSON."""

    def make_ready(self) -> None:
        """Wait until the first chunk can be had."""

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next chunk, each ``[T, B]``.

        Raises:
            CorpusError: the text cannot be read; the position stays.
        """

    def close(self) -> None:
        """Let go of what reads the text."""


class LaneBatches:
    """Reads ``B`` contiguous lanes of the corpus side by side, ``T`` steps at a time.

    Lane ``b`` holds tokens ``b * n // B`` onwards, ``n // B`` of them. Chunk after chunk follows on in every lane, so
    that the hidden state can be carried. An epoch has as many chunks as ``T`` asks for, all of nearly equal length:
    no token is dropped at a lane's end, and no chunk is a stub. The first token is predicted from ``context``.

    Args:
        tokens: ids of the corpus, memory-mapped.
        seq_len: ``T``.
        batch_size: ``B``.
        context: the id before the first.
        device: where chunks go.
        position: chunks that were read before.
    """

    waited = 0.0
    unseen: Mapping[str, int] = {}

    def __init__(
        self, tokens: Ids, seq_len: int, batch_size: int, context: int, device: torch.device, position: int = 0
    ) -> None:
        self.lane = len(tokens) // batch_size
        self.per_epoch: int = chunks_per_epoch(len(tokens), seq_len, batch_size)
        self._lanes = tokens[: self.lane * batch_size].reshape(batch_size, self.lane)
        self._context = np.full((batch_size, 1), context, dtype=tokens.dtype)
        self._device = device
        #: Chunks read since the start.
        self.position = position

    @property
    def epoch(self) -> float:
        """Passes over the corpus so far."""
        return self.position / self.per_epoch

    @property
    def at_start(self) -> bool:
        """Whether the next chunk is an epoch's first, which follows on nothing."""
        return self.position % self.per_epoch == 0

    def make_ready(self) -> None:
        """Do nothing: the corpus is at hand."""

    def close(self) -> None:
        """Do nothing: the mapping goes with the array."""

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next chunk, each ``[T, B]``."""
        chunk = self.position % self.per_epoch
        start = chunk * self.lane // self.per_epoch
        stop = (chunk + 1) * self.lane // self.per_epoch
        self.position += 1
        if start == 0:
            window = np.concatenate([self._context, self._lanes[:, :stop]], axis=1)
        else:
            window = self._lanes[:, start - 1 : stop]
        ids = torch.from_numpy(np.ascontiguousarray(window.T, dtype=np.int64))
        if self._device.type == "cuda":
            ids = ids.pin_memory().to(self._device, non_blocking=True)
        elif self._device.type != "cpu":
            ids = ids.to(self._device)
        return ids[:-1], ids[1:]
