"""Drawing tokens from logits.

Shapes: ``B`` batch lanes, ``V`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import RunError
from charrnn.generation.network import Logits
from charrnn.tokenizers.base import Ids

#: What is drawn where no token may come.
BLOCKED = -1
_UNIFORMS = 256
#: Below this, a sum of weights may have lost some of them to rounding.
_TINY = 1e-30


def log_probabilities(logits: Logits) -> NDArray[np.float64]:
    """Return ``log softmax(logits)`` over the last axis."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def no_numbers() -> RunError:
    """Say what is wrong where a model's logits are no numbers."""
    return RunError("the model's weights hold NaN or infinity: train it again with a lower --lr")


class Draw:
    """Draws one token a lane from ``softmax(logits / temperature)``, by inverting its distribution function."""

    def __init__(self) -> None:
        self._weights = np.empty((0, 0), np.float32)
        self._sums = np.empty((0, 0), np.float64)

    def __call__(self, logits: Logits, temperature: float, uniforms: NDArray[np.float64]) -> Ids:
        """Draw ids ``[B]``; at temperature 0, take the likeliest.

        Args:
            logits: ``[B, V]``, of a lane of which not all are ``-inf``; else :data:`BLOCKED` comes out.
            temperature: not negative.
            uniforms: ``[B]``, at least 0 and below 1: where chance comes from.

        Raises:
            RunError: logits are NaN or infinite.
        """
        if temperature == 0:
            ids: Ids = logits.argmax(axis=1)
            highest = logits[np.arange(len(ids)), ids]
            if not np.isfinite(highest).all():
                ids[is_blocked(highest)] = BLOCKED
            return ids
        if temperature < _TINY:
            return self._shifted(logits, temperature, uniforms)
        if self._weights.shape != logits.shape or self._weights.dtype != logits.dtype:
            self._weights, self._sums = np.empty_like(logits), np.empty(logits.shape)
        weights, sums = self._weights, self._sums
        np.multiply(logits, 1 / temperature, out=weights)
        np.exp(weights, out=weights)
        np.add.accumulate(weights, axis=1, dtype=np.float64, out=sums)
        if len(sums) == 1:
            total = sums[0, -1]
            if _TINY < total < np.inf:
                return np.array([sums[0].searchsorted(uniforms.item() * total, "right")])
        elif sums[:, -1].min() > _TINY and sums[:, -1].max() < np.inf:
            return _invert(sums, uniforms)
        return self._shifted(logits, temperature, uniforms)

    def _shifted(self, logits: Logits, temperature: float, uniforms: NDArray[np.float64]) -> Ids:
        """Do the same with the highest logit of each lane moved to 0, where numbers overflow or vanish without it."""
        blocked = is_blocked(logits.max(axis=1))
        sums = np.cumsum(np.exp(tempered(logits, temperature)), axis=1)
        sums[blocked] = 1
        ids = _invert(sums, uniforms)
        ids[blocked] = BLOCKED
        return ids


def _invert(sums: NDArray[np.float64], uniforms: NDArray[np.float64]) -> Ids:
    """Return the first place of each row whose sum exceeds that share of the last: none that adds nothing is drawn."""
    return np.asarray(np.count_nonzero(sums <= (uniforms * sums[:, -1])[:, np.newaxis], axis=1))


def is_blocked(highest: Logits) -> NDArray[np.bool_]:
    """Tell, of each lane's highest logit, whether no token may come.

    Raises:
        RunError: it is NaN or infinity.
    """
    if np.isnan(highest).any() or (highest == np.inf).any():
        raise no_numbers()
    return np.asarray(highest == -np.inf)


def tempered(logits: Logits, temperature: float) -> Logits:
    """Return ``logits / temperature`` moved so that each lane's highest is 0, which no temperature makes overflow."""
    highest = logits.max(axis=1, keepdims=True)
    shifted = logits.astype(np.float64) - np.where(is_blocked(highest), 0, highest)
    result: Logits = shifted / temperature
    return result


class Chance:
    """A stream of uniform random numbers for each lane, which depends on the seed and the lane's number only.

    Args:
        seed: of all.
        lanes: the number of each.
    """

    def __init__(self, seed: int, lanes: Sequence[int]) -> None:
        self._streams = [np.random.default_rng([seed, lane]) for lane in lanes]
        self._drawn = np.empty((0, len(lanes)))
        self._next = 0

    def __call__(self) -> NDArray[np.float64]:
        """Return the next number of every lane, ``[B]``."""
        if self._next == len(self._drawn):
            self._drawn = np.stack([each.random(_UNIFORMS) for each in self._streams], axis=1)
            self._next = 0
        self._next += 1
        row: NDArray[np.float64] = self._drawn[self._next - 1]
        return row

    def take(self, lanes: Ids) -> None:
        """Go on with some of the lanes."""
        self._streams = [self._streams[lane] for lane in lanes]
        self._drawn = self._drawn[:, lanes]
