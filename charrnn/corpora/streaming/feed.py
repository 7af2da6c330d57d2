"""A stream's windows, made by another process ahead of the training loop that reads them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.corpora.base import digest
from charrnn.corpora.fitting import FittedTokenizer, load_tokenizer
from charrnn.corpora.resolve import open_corpus
from charrnn.corpora.streaming.held_back import HeldBack
from charrnn.corpora.streaming.position import Position
from charrnn.corpora.streaming.tokens import TokenStream, Window
from charrnn.corpora.worker import Frame, Worker
from charrnn.errors import CorpusError
from charrnn.launch import WHOLE, Share
from charrnn.options import check
from charrnn.settings import CorpusSettings, StreamSettings, TrainSettings
from charrnn.tokenizers.base import Ids


class Feed:
    """Windows from a place on.

    Args:
        address: of the corpus.
        provenance: of its text, so that the other process reads the very same.
        settings: how it is read, shuffled and held back.
        fitted: the tokenizer.
        start: where the first window begins.
        size: tokens of a window.
        share: of the shards.
    """

    def __init__(
        self,
        address: str,
        provenance: Mapping[str, Any],
        settings: TrainSettings,
        fitted: FittedTokenizer,
        start: Position,
        size: int,
        share: Share = WHOLE,
    ) -> None:
        orders = {
            "address": address,
            "provenance": provenance,
            "reading": settings.model_dump(include=set(CorpusSettings.model_fields)),
            "streaming": settings.model_dump(include=set(StreamSettings.model_fields)),
            "val_fraction": settings.val_fraction,
            "seed": settings.seed,
            "tokenizer": fitted.entry.name,
            "directory": str(fitted.directory.absolute()),
            "start": start.to_json(),
            "size": size,
            "share": share,
        }
        #: Seconds that were spent waiting for a window, the first one apart.
        self.waited = 0.0
        self._started = False
        self._worker = Worker(f"{__name__}:answer", orders)
        self._worker.ask({})

    def next(self) -> Window:
        """Wait for the next window, and have the one after it made meanwhile.

        Raises:
            CorpusError: the text cannot be read.
        """
        began = time.monotonic()
        told, ids = self._worker.answer()
        if self._started:
            self.waited += time.monotonic() - began
        self._started = True
        self._worker.ask({})
        start, stop = (Position(*told[key]) for key in ("start", "stop"))
        tokens: Ids = np.frombuffer(ids, dtype=np.dtype(told["dtype"]))
        return Window(tokens, start, stop, told["unseen"])

    def close(self) -> None:
        """End the process."""
        self._worker.close()


def answer(orders: dict[str, Any], asked: Iterator[Frame]) -> Iterator[Frame]:
    """Make a window for each question; the work of a :class:`~charrnn.corpora.worker.Worker`."""
    streaming = check(StreamSettings, orders["streaming"])
    fitted = load_tokenizer(orders["tokenizer"], Path(orders["directory"]))
    corpus = open_corpus(orders["address"], check(CorpusSettings, orders["reading"]))
    corpus.go_back(orders["provenance"])
    if digest(corpus.provenance()) != digest(orders["provenance"]):
        raise CorpusError(f"the corpus '{orders['address']}' was changed while it was read; try again")
    held_back = HeldBack(corpus, orders["val_fraction"])
    stream = TokenStream(corpus, held_back, fitted, orders["seed"], streaming.shuffle_buffer, Share(*orders["share"]))
    windows = stream.windows(Position(*orders["start"]), orders["size"])
    for _, window in zip(asked, windows, strict=False):
        ids = window.ids.astype(fitted.dtype, copy=False)
        place = {"start": window.start.to_json(), "stop": window.stop.to_json()}
        yield {"dtype": ids.dtype.str, **place, "unseen": window.unseen}, ids.tobytes()
