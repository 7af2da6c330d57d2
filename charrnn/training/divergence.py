"""When training has diverged, and what is said of it."""

from __future__ import annotations

import math

from charrnn.errors import DivergedError
from charrnn.training.state import Counters

#: A loss this many times the first one, or that of a guess at random, means divergence.
_FAR_ABOVE = 2.0
#: So many, at half the learning rate each, are advised.
_MORE_ROLLBACKS = 3


class Divergence:
    """Tells a run that learns from one that has gone astray.

    Args:
        vocab_size: a guess at random has its logarithm for a loss.
        clip: largest norm of the gradient that is let through, 0 if there is none.
        resume_command: by which the run goes on.
    """

    def __init__(self, vocab_size: int, clip: float, resume_command: str) -> None:
        self._guess = math.log(vocab_size)
        self._clip = clip
        self._resume_command = resume_command

    def check(self, counters: Counters, loss: float, norm: float) -> None:
        """Raise DivergedError where loss or gradient norm is no number, or the loss far above its start and a guess."""
        start = max(counters.start_loss or 0.0, self._guess)
        if not math.isfinite(loss) or not math.isfinite(norm) or loss > start * _FAR_ABOVE:
            raise self.error(counters, loss)

    def error(self, counters: Counters, loss: float) -> DivergedError:
        """Return what is raised."""
        best, more = counters.best, counters.rollbacks + _MORE_ROLLBACKS
        kept = f"the best weights, of step {best['step']}, are kept" if best else "there were none worth keeping yet"
        tried = "it went back as often as --max-rollbacks lets it; " if counters.rollbacks else ""
        return DivergedError(
            f"training diverged at step {counters.step}: the loss is {loss:.4g}",
            f"{tried}{kept}. Try again with a lower --lr, or --clip {self._clip / 4 or 1:g}, or go back and on with: "
            f"{self._resume_command} --max-rollbacks {more}",
        )
