"""What training a model needs at the least, as told before any of it is allocated."""

from __future__ import annotations

import math

from charrnn.memory import refuse_too_large
from charrnn.model import model_shapes
from charrnn.settings import TrainSettings

#: The weights, their gradient, and at least one average of the optimizer.
_COPIES = 3


def check_memory(settings: TrainSettings, vocab_size: int) -> None:
    """Refuse a model that cannot be trained in this machine's memory.

    Raises:
        UsageError: it cannot.
    """
    numbers = sum(map(math.prod, model_shapes(settings, vocab_size).values()))
    size = 8 if settings.precision == "float64" else 4
    refuse_too_large(numbers * size * _COPIES, f"training a model of {numbers:,} parameters")
