"""An axis of a plot in a terminal: where a value lies on it, and which values are written on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, drawn over ``length`` dots."""

    low: float
    high: float
    length: int

    def place(self, value: float) -> int:
        """Return a value's dot, from 0 to ``length - 1``; values beyond the axis lie beyond these."""
        span = self.high - self.low
        return round((value - self.low) / span * (self.length - 1)) if span else 0

    def ticks(self, most: int) -> dict[int, str]:
        """Return no more than so many round values, as they are written, by their dots."""
        span = (self.high - self.low) or abs(self.high) or 1.0
        power = 10.0 ** math.floor(math.log10(span / most))
        step = next(power * each for each in _STEPS if power * each >= span / most)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return {self.place(number * step): f"{number * step:,.{decimals}f}" for number in range(first, last + 1)}
