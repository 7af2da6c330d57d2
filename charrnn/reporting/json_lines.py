"""One JSON object an event, on standard output."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from types import TracebackType

from charrnn.reporting.echo import say_json
from charrnn.training.events import Event, Preparing


class JsonLinesReporter:
    """Writes ``{"event": "evaluated", "step": 100, ...}`` and the like, each line flushed."""

    wants_samples = True

    def __init__(self) -> None:
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
        try:
            say_json({"event": type(event).__name__.lower(), **asdict(event)})
        except BrokenPipeError:
            # Whoever read it has enough; the training goes on, and its metrics are in the run.
            self._open = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
