"""Chunks of a corpus for truncated backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from charrnn.launch import WHOLE, Share
from charrnn.tokenizers.base import Ids


def chunks_per_epoch(tokens: int, seq_len: int, batch_size: int, *, random_offset: bool = False) -> int:
    """Count the chunks, which are optimizer steps, of one pass over the corpus."""
    left_out = _largest_offset(tokens, seq_len, batch_size) if random_offset else 0
    return -(-((tokens - left_out) // batch_size) // seq_len)


def _largest_offset(tokens: int, seq_len: int, batch_size: int) -> int:
    """Return the largest offset of an epoch: within a chunk, and such that each lane keeps a token."""
    return min(seq_len - 1, tokens - batch_size)


class Chunk(NamedTuple):
    """A chunk of text: ids and those that follow, each ``[T, B]``, and whether it follows on nothing itself."""

    inputs: Tensor
    targets: Tensor
    at_start: bool


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

    def joined(self, positions: Sequence[Any]) -> Any:
        """Return the position of all ranks together, from that of each."""

    def make_ready(self) -> None:
        """Wait until the first chunk can be had."""

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next chunk, each ``[T, B]``.

        Raises:
            CorpusError: the text cannot be read; the position stays.
            PeerError: that of another rank cannot.
        """

    def close(self) -> None:
        """Let go of what reads the text."""


class LaneBatches:
    """Reads ``B`` contiguous lanes of the corpus side by side, ``T`` steps at a time, or a share of them.

    Lane ``b`` holds tokens ``b * n // B`` onwards, ``n // B`` of them. Chunk after chunk follows on in every lane, so
    that the hidden state can be carried. An epoch has as many chunks as ``T`` asks for, all of nearly equal length:
    no token is dropped at a lane's end, and no chunk is a stub. The first token is predicted from ``context``.

    With ``offset_seed`` each epoch begins at another place within the first chunk, and leaves out what is before it and
    as much less at the end, so that texts are cut and lanes begin at other places each time.

    Args:
        tokens: ids of the corpus, memory-mapped.
        seq_len: ``T``.
        batch_size: ``B``.
        context: the id before the first.
        device: where chunks go.
        position: chunks that were read before.
        offset_seed: what the offsets of the epochs are drawn from; by default there are none.
        share: which of the lanes are read.
    """

    waited = 0.0
    unseen: Mapping[str, int] = {}

    def __init__(
        self,
        tokens: Ids,
        seq_len: int,
        batch_size: int,
        context: int,
        device: torch.device,
        position: int = 0,
        offset_seed: int | None = None,
        share: Share = WHOLE,
    ) -> None:
        offsets = offset_seed is not None
        self._tokens = tokens
        self._batch_size = batch_size
        self._largest = _largest_offset(len(tokens), seq_len, batch_size) if offsets else 0
        self._offset_seed = offset_seed
        self.lane = (len(tokens) - self._largest) // batch_size
        self.per_epoch: int = chunks_per_epoch(len(tokens), seq_len, batch_size, random_offset=offsets)
        self._mine = share.slice(batch_size)
        self._context = np.full((len(range(batch_size)[self._mine]), 1), context, dtype=tokens.dtype)
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

    def joined(self, positions: Sequence[int]) -> int:
        """Return the position of all ranks, which read side by side."""
        return positions[0]

    def make_ready(self) -> None:
        """Do nothing: the corpus is at hand."""

    def close(self) -> None:
        """Do nothing: the mapping goes with the array."""

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next chunk, each ``[T, B]``."""
        chunk = self.position % self.per_epoch
        start = chunk * self.lane // self.per_epoch
        stop = (chunk + 1) * self.lane // self.per_epoch
        lanes = self._lanes()
        self.position += 1
        before = lanes[:, start - 1 : start] if start else self._context
        window = np.concatenate([before, lanes[:, start:stop]], axis=1)
        ids = torch.from_numpy(np.ascontiguousarray(window.T, dtype=np.int64))
        if self._device.type == "cuda":
            ids = ids.pin_memory().to(self._device, non_blocking=True)
        elif self._device.type != "cpu":
            ids = ids.to(self._device)
        return ids[:-1], ids[1:]

    def _lanes(self) -> Ids:
        """Return this epoch's tokens as the lanes of this share, ``[B, n // B]`` of all."""
        offset = 0
        if self._offset_seed is not None:
            epoch = self.position // self.per_epoch
            offset = int(np.random.default_rng([self._offset_seed, epoch]).integers(self._largest + 1))
        count = self._batch_size * self.lane
        return self._tokens[offset : offset + count].reshape(self._batch_size, self.lane)[self._mine]
