"""Drawing a token from logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]


def sample(logits: Logits, temperature: float, generator: np.random.Generator) -> int:
    """Draw one id from ``softmax(logits / temperature)``; at temperature 0, take the likeliest.

    Args:
        logits: ``[V]``.
        temperature: not negative.
        generator: where chance comes from.
    """
    if temperature == 0:
        return int(logits.argmax())
    # Adding Gumbel noise and taking the maximum draws from the softmax (Gumbel 1954), without summing it. A maximum
    # taken first keeps a temperature near 0 from overflowing.
    scaled = (logits.astype(np.float64) - logits.max()) / temperature
    return int((scaled + generator.gumbel(size=len(scaled))).argmax())


def log_probabilities(logits: Logits) -> NDArray[np.float64]:
    """Return ``log softmax(logits)`` over the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
