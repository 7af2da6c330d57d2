"""Ctrl-C and SIGTERM: at once while a run is prepared, between two steps while it is trained."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from charrnn.errors import ExitCode, InterruptedRunError

_EXIT_CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}
_BEFORE = "interrupted before another step was done"


def interrupted(what: str, command: str, exit_code: ExitCode | None) -> InterruptedRunError:
    """Return what says that training was stopped, and how it goes on."""
    return InterruptedRunError(f"{what}; go on with: {command}", exit_code or ExitCode.INTERRUPTED)


class StopAskedError(Exception):
    """Something was not done, since training is asked to stop."""


class StopRequest:
    """While entered, a signal ends the preparation at once; once deferred, it asks training to stop after its step.

    A second signal does not wait for the step.
    """

    def __init__(self) -> None:
        self.exit_code: ExitCode | None = None
        self._deferred = False
        self._at_once = ""
        self._before: dict[signal.Signals, Any] = {}

    def defer(self) -> None:
        """From now on there is something to save."""
        self._deferred = True

    @contextmanager
    def at_once(self, command: str) -> Iterator[None]:
        """Let a signal not wait within, where no step is begun that it could wait for.

        Args:
            command: goes on; empty where it is to wait all the same.

        Raises:
            InterruptedRunError: there is a signal, or was before.
        """
        self._at_once = command
        try:
            if command and self.exit_code is not None:
                raise interrupted(_BEFORE, command, self.exit_code)
            yield
        finally:
            self._at_once = ""

    def __enter__(self) -> StopRequest:
        # Signals reach the main thread only; elsewhere the program around this one decides.
        if threading.current_thread() is threading.main_thread():
            for number in _EXIT_CODES:
                self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _asked(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature is Python's
        exit_code = _EXIT_CODES[signal.Signals(number)]
        if not self._deferred:
            raise InterruptedRunError("interrupted before training began; nothing is lost", exit_code)
        if self._at_once:
            raise interrupted(_BEFORE, self._at_once, exit_code)
        if self.exit_code is not None:
            raise InterruptedRunError("stopped at once; --resume goes on from the last save", exit_code)
        self.exit_code = exit_code
