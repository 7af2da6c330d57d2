"""The contract of a cell's NumPy form.

Shapes: ``B`` batch lanes, ``N`` rows, ``I`` input features, ``H`` hidden features, ``P`` projected features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import RunError

Array = NDArray[np.floating[Any]]
#: The leaves of the torch cell's state, in the same order and shapes.
NumpyState = tuple[Array, ...]


class NumpyCell(ABC):
    """One recurrent layer that steps in NumPy: the same numbers as its torch cell, from the same weights.

    Args:
        weights: as the torch cell's ``state_dict()`` names them.
        input_size: ``I``.
        hidden_size: ``H``.

    Further keyword parameters with defaults are the cell's options.
    """

    def __init__(self, weights: Mapping[str, Array], input_size: int, hidden_size: int) -> None:
        self.weights = weights
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.dtype = next((each.dtype for each in weights.values()), np.dtype(np.float32))

    def initial_state(self, batch_size: int) -> NumpyState:
        """Return the state before the first step: by default zeros, one leaf ``[B, H]``."""
        return (np.zeros((batch_size, self.hidden_size), self.dtype),)

    def project(self, inputs: Array) -> Array:
        """Do for each row by itself what needs no recurrence: ``[N, I] -> [N, P]``; by default nothing."""
        return inputs

    @abstractmethod
    def step(self, projected: Array, state: NumpyState) -> tuple[Array, NumpyState]:
        """Advance one step: ``[B, P]`` and a state to an output ``[B, H]`` and the next state.

        The state is the step's own: it may write into it and return it, and so save an allocation. What it returns
        is read before the next step. ``projected`` stays as it is.
        """

    def take(self, name: str, *shape: int) -> Array:
        """Return a weight of a known shape; raises as :func:`take` does."""
        return take(self.weights, name, *shape)


def take(weights: Mapping[str, Array], name: str, *shape: int) -> Array:
    """Return a weight of a known shape.

    Raises:
        RunError: it is not there, or has another shape.
    """
    found = weights.get(name)
    if found is None or found.shape != shape:
        raise RunError(
            f"the weights have {name} as {None if found is None else found.shape}, the config asks for {shape}"
        )
    return found
