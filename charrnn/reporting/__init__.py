"""Renders training's events: a live view on a terminal, plain lines elsewhere, JSON lines where asked for."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from typing import Protocol

from charrnn.training.events import Event


class Reporter(AbstractContextManager["Reporter"], Protocol):
    """Shows events while it is entered."""

    #: Whether there is someone to show a sample to.
    wants_samples: bool

    def listen(self, event: Event) -> None:
        """Show one event."""


def make_reporter(*, json: bool) -> Reporter:
    """Choose by who is reading."""
    if json:
        from charrnn.reporting.json_lines import JsonLinesReporter

        return JsonLinesReporter()
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from charrnn.reporting.console import SafeConsole
        from charrnn.reporting.live import LiveReporter

        return LiveReporter(SafeConsole(stderr=True))
    from charrnn.reporting.plain import PlainReporter

    return PlainReporter()
