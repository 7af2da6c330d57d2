"""How the learning rate goes with the share of the budget that is spent."""

from __future__ import annotations

import math

from charrnn.settings import OptimizerSettings

#: A run that diverged goes on with this much of its learning rate.
AFTER_ROLLBACK = 0.5
#: The ``step`` schedule divides by ten at each of these shares of what follows the warm-up.
_STEPS = (0.6, 0.85)


def learning_rate(settings: OptimizerSettings, progress: float, rollbacks: int = 0) -> float:
    """Return the rate at ``progress`` (0 to 1): a linear warm-up, then the schedule from the peak to its end.

    The peak is lower for each time that the run went back because it diverged.

    Each schedule counts from the end of the warm-up. ``cosine`` is Loshchilov and Hutter 2017, equation 5, without
    restarts, ending at 0.
    """
    peak = (settings.lr or 0.0) * AFTER_ROLLBACK**rollbacks
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
