"""How long it will take until a corpus is read."""

from __future__ import annotations

import time

from charrnn.reporting.text import remaining
from charrnn.training.events import Preparing

#: Seconds that are looked at before anything is said.
_LEAST = 2.0


class Pace:
    """Notes when each thing began that is done to a corpus."""

    def __init__(self) -> None:
        self._doing = ""
        self._began = 0.0

    def left(self, event: Preparing) -> float | None:
        """Return the seconds that are left, or None where that is not known yet."""
        if event.doing != self._doing:
            self._doing, self._began = event.doing, time.monotonic()
        elapsed = time.monotonic() - self._began
        if not event.total or not event.done or elapsed < _LEAST:
            return None
        return remaining(elapsed, min(1.0, event.done / event.total))
