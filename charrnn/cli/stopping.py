"""Ctrl-C and SIGTERM while there is something to show: the work ends where it is, and what there is is told."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from charrnn.errors import ExitCode

_EXIT_CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


class Stopped:
    """Says whether a signal has asked for the end."""

    def __init__(self) -> None:
        self.exit_code = ExitCode.DONE

    def __call__(self) -> bool:
        """Tell whether to end."""
        return self.exit_code != ExitCode.DONE


@contextmanager
def stopped_by_signals() -> Iterator[Stopped]:
    """Note the first signal; a second one ends the program at once, as it would without this."""
    stopped = Stopped()
    before: dict[signal.Signals, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        stopped.exit_code = _EXIT_CODES[signal.Signals(number)]
        put_back()

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in _EXIT_CODES:
        before[number] = signal.signal(number, note)
    try:
        yield stopped
    finally:
        put_back()
