"""The plain recurrent network, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from charrnn.cells.numpy_forms.base import Array, NumpyState
from charrnn.cells.numpy_forms.kernel import KernelCell, logistic


def _tanh(values: Array) -> None:
    np.tanh(values, out=values)


def _relu(values: Array) -> None:
    np.maximum(values, 0, out=values)


_ACTIVATIONS: dict[str, Callable[[Array], None]] = {"tanh": _tanh, "relu": _relu, "sigmoid": logistic}


class RNN(KernelCell):
    """The step of :class:`charrnn.cells.rnn.RNN`."""

    def __init__(
        self,
        weights: Mapping[str, Array],
        input_size: int,
        hidden_size: int,
        activation: Literal["tanh", "relu", "sigmoid"] = "tanh",
    ) -> None:
        super().__init__(weights, input_size, hidden_size, gates=[0], logistic=int(activation == "sigmoid"))
        self.bias += self.recurrent_bias
        self._activate = _ACTIVATIONS[activation]

    def step(self, projected: Array, state: NumpyState) -> tuple[Array, NumpyState]:
        """Advance ``(h,)`` by ``[B, H]``."""
        (hidden,) = state
        following = self.scratch("following", *hidden.shape)
        np.dot(hidden, self.recurrent, out=following)
        following += projected
        self._activate(following)
        np.copyto(hidden, following)
        return hidden, state
