"""What a model has between its cells, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charrnn.cells.numpy_forms.base import Array, NumpyCell, NumpyState, take

#: As torch has it.
_EPSILON = 1e-5


class LayerNorm:
    """Layer normalisation over the last axis (Ba et al. 2016, equation 4).

    Args:
        weights: ``weight`` and ``bias``.
        size: features.

    Raises:
        RunError: they are not there, or of another size.
    """

    def __init__(self, weights: Mapping[str, Array], size: int) -> None:
        self._weight, self._bias = take(weights, "weight", size), take(weights, "bias", size)

    def __call__(self, features: Array) -> Array:
        """Normalise ``[..., size]``."""
        centred = features - features.mean(-1, keepdims=True)
        variance = np.square(centred).mean(-1, keepdims=True)
        normed: Array = centred / np.sqrt(variance + _EPSILON) * self._weight + self._bias
        return normed


class Zoneout(NumpyCell):
    """A cell of which each step keeps a share of the state: :class:`charrnn.model.zoneout.Zoneout` when it has learned.

    Args:
        cell: makes the steps.
        rate: the share.
    """

    #: Where the torch form keeps the cell's weights.
    WITHIN = "cell."

    def __init__(self, cell: NumpyCell, rate: float) -> None:
        super().__init__(cell.weights, cell.input_size, cell.hidden_size)
        self._cell = cell
        self._rate = rate

    def initial_state(self, batch_size: int) -> NumpyState:
        """Return the cell's."""
        return self._cell.initial_state(batch_size)

    def project(self, inputs: Array) -> Array:
        """Project as the cell does."""
        return self._cell.project(inputs)

    def step(self, projected: Array, state: NumpyState) -> tuple[Array, NumpyState]:
        """Step as the cell does, and keep the share."""
        # Apart from the state, into which the step may write.
        kept = tuple(leaf * leaf.dtype.type(self._rate) for leaf in state)
        output, after = self._cell.step(projected, state)
        zoned = tuple(leaf + new * new.dtype.type(1 - self._rate) for leaf, new in zip(kept, after, strict=True))
        return next((new for new, leaf in zip(zoned, after, strict=True) if leaf is output), output), zoned
