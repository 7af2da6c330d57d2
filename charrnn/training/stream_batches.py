"""Chunks of a corpus that is streamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from charrnn.corpora.fitting import FittedTokenizer
from charrnn.corpora.streaming.feed import Feed
from charrnn.corpora.streaming.position import Position
from charrnn.corpora.streaming.tokens import Window
from charrnn.errors import RunError
from charrnn.runs.config import CorpusRecord
from charrnn.settings import TrainSettings
from charrnn.training.batches import LaneBatches
from charrnn.training.ranks import Ranks

#: Tokens of a window, at least; a chunk's length goes into each of its lanes at least so many times.
WINDOW_TOKENS = 1 << 20
_CHUNKS = 16


class StreamBatches:
    """Reads a stream window by window, each as though it were a small corpus of its own: in lanes, from a zero state.

    A place in the stream is that of a window and the number of a chunk in it: to go on from there, the window is made
    again. Each rank has windows of its own, from its share of the shards. Where other ranks go on than were there
    before, the shards are dealt anew, from the first that some rank had not finished: a few are read again from their
    start.

    Args:
        corpus: where the text is.
        settings: complete: how it is read and cut into chunks.
        fitted: the tokenizer.
        context: the id before a window's first.
        device: where chunks go.
        ranks: read it together.
        position: what :meth:`joined` was, to go on from there.

    Raises:
        RunError: the position is none.
    """

    per_epoch = None

    def __init__(
        self,
        corpus: CorpusRecord,
        settings: TrainSettings,
        fitted: FittedTokenizer,
        context: int,
        device: torch.device,
        ranks: Ranks,
        position: Any = None,
    ) -> None:
        self.unseen: Counter[str] = Counter()
        self._seq_len, self._batch_size = settings.seq_len or 1, (settings.batch_size or 1) // ranks.size
        self._context = context
        self._device = device
        self._ranks = ranks
        self._start, self._skipped = _read(position, ranks)
        size = max(WINDOW_TOKENS, _CHUNKS * self._seq_len * self._batch_size)
        self._feed = Feed(corpus.address, corpus.provenance, settings, fitted, self._start, size, ranks.share)
        self._window: Window | None = None
        self._lanes: LaneBatches | None = None

    @property
    def epoch(self) -> float:
        """Passes over the corpus so far: whole ones, but for those that a window goes through."""
        if self._lanes is None or self._window is None:
            return float(self._start.epoch)
        share = self._lanes.position / self._lanes.per_epoch
        return self._start.epoch + share * (self._window.stop.epoch - self._start.epoch)

    @property
    def at_start(self) -> bool:
        """Whether the next chunk is a window's first."""
        return not (self._lanes.position if self._lanes else self._skipped)

    @property
    def position(self) -> dict[str, Any]:
        """Where the window begins, and how many of its chunks were read."""
        return {"window": self._start.to_json(), "chunk": self._lanes.position if self._lanes else self._skipped}

    def joined(self, positions: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the position of all ranks, which are at the same chunk of their windows."""
        return {"windows": [each["window"] for each in positions], "chunk": positions[0]["chunk"]}

    @property
    def waited(self) -> float:
        """Seconds that were spent waiting for windows."""
        return self._feed.waited

    def make_ready(self) -> None:
        """Wait for the first window."""
        if self._lanes is None:
            self._open_window()

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of the next chunk, each ``[T, B]``."""
        self.make_ready()
        assert self._lanes is not None
        assert self._window is not None
        chunk = self._lanes.next()
        if self._lanes.position == self._lanes.per_epoch:
            self._start, self._lanes = self._window.stop, None
        return chunk

    def close(self) -> None:
        """End the process that reads."""
        self._feed.close()

    def _open_window(self) -> None:
        with self._ranks.together():
            window = self._feed.next()
        self._window = window
        self.unseen.update(window.unseen)
        self._start = window.start
        self._lanes = LaneBatches(
            window.ids, self._seq_len, self._batch_size, self._context, self._device, self._skipped
        )
        self._skipped = 0


def _read(position: Any, ranks: Ranks) -> tuple[Position, int]:
    """Return where this rank's window begins, and how many of its chunks were read."""
    if position is None:
        return Position(), 0
    if not isinstance(position, dict):
        raise RunError(f"the save's state is damaged: {position} is no place in a stream")
    starts, chunk = [Position(*each) for each in position["windows"]], position["chunk"]
    if len(starts) == ranks.size:
        return starts[ranks.place.rank], chunk
    return min(each.anew() for each in starts), 0
