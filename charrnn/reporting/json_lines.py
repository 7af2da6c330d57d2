"""One JSON object an event, on standard output."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from types import TracebackType
from typing import TextIO

from charrnn.training.events import Event, Preparing


class JsonLinesReporter:
    """Writes ``{"event": "evaluated", "step": 100, ...}`` and the like, each line flushed."""

    wants_samples = True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._open = True

    def __enter__(self) -> JsonLinesReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def listen(self, event: Event) -> None:
        """Write the event; how far the reading of a corpus has come is for people only."""
        if isinstance(event, Preparing) or not self._open:
            return
        record = {"event": type(event).__name__.lower(), **asdict(event)}
        try:
            self._stream.write(json.dumps(record, default=str) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # Whoever read it has enough; the training goes on, and its metrics are in the run.
            self._open = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
