"""How the learning rate goes with the share of the budget that is spent."""

from __future__ import annotations

import math

from charrnn.settings import OptimizerSettings

#: The ``step`` schedule divides by ten at each of these shares of what follows the warm-up.
_STEPS = (0.6, 0.85)


def learning_rate(settings: OptimizerSettings, progress: float) -> float:
    """Return the rate at ``progress`` (0 to 1): a linear warm-up, then the schedule from the peak to its end.

    Each schedule counts from the end of the warm-up. ``cosine`` is Loshchilov and Hutter 2017, equation 5, without
    restarts, ending at 0.
    """
    peak = settings.lr or 0.0
    if progress < settings.warmup:
        # Never quite 0, so that the first step already moves.
        return peak * max(progress / settings.warmup, 0.01)
    after = min((progress - settings.warmup) / (1 - settings.warmup), 1.0)
    if settings.schedule == "cosine":
        return peak * (1 + math.cos(math.pi * after)) / 2
    if settings.schedule == "linear":
        return peak * (1 - after)
    if settings.schedule == "step":
        return peak * 0.1 ** sum(after >= at for at in _STEPS)
    return peak
