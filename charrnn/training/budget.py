"""How long a run goes on: by steps, epochs or time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from charrnn.errors import ExitCode, UsageError
from charrnn.settings import LoopSettings
from charrnn.training.interrupt import StopAskedError, StopRequest
from charrnn.training.ranks import Ranks


class Clock:
    """Seconds since a run's first step, those before a resume included, as the first rank has them.

    Args:
        ranks: look at it at the same times.
        stop: whether this one is asked to stop.
        elapsed: before the resume.

    Attributes:
        now: what it showed when they last looked.
        asked: whether by then any was asked to stop.
    """

    def __init__(self, ranks: Ranks, stop: StopRequest | None = None, elapsed: float = 0.0) -> None:
        self._ranks = ranks
        self._stop = stop
        self._start = time.monotonic() - elapsed
        self.now = elapsed
        self.asked: ExitCode | None = None

    def look(self) -> None:
        """Look at it."""
        asked = self._stop.exit_code if self._stop else None
        self.now, self.asked = self._ranks.moment(time.monotonic() - self._start, asked)

    def pause(self) -> None:
        """End what can be done once more, if this one is asked to stop; of several ranks each does what the others do.

        Raises:
            StopAskedError: it is.
        """
        if self._stop and self._stop.exit_code is not None and self._ranks.size == 1:
            raise StopAskedError


def check_budget(settings: LoopSettings, *, streamed: bool) -> None:
    """Raise UsageError where a stream is to be read for a number of epochs."""
    if streamed and settings.epochs is not None:
        raise UsageError(f"--epochs {settings.epochs:g}: nobody knows a stream's length; give --steps or --time")


@dataclass(frozen=True)
class Budget:
    """A number of optimizer steps, or of seconds; exactly one of the two is set."""

    steps: int | None
    seconds: float | None

    @classmethod
    def of(cls, settings: LoopSettings, chunks_per_epoch: int | None) -> Budget:
        """Read the budget from settings of which exactly one budget is set; a stream has no epochs."""
        if settings.time is not None:
            return cls(steps=None, seconds=settings.time)
        if settings.epochs is not None and chunks_per_epoch is not None:
            chunks = settings.epochs * chunks_per_epoch
            return cls(steps=max(1, math.ceil(chunks / settings.accumulate)), seconds=None)
        return cls(steps=settings.steps, seconds=None)

    def progress(self, step: int, seconds: float, reserve: float) -> float:
        """Return the share that is spent.

        Args:
            step: optimizer steps done.
            seconds: since the first step.
            reserve: seconds that the last evaluation and save will take, which a budget of time includes.
        """
        if self.seconds is None:
            return min(1.0, step / (self.steps or 1))
        return min(1.0, seconds / max(self.seconds - reserve, 1e-9))
