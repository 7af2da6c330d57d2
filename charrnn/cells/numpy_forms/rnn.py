"""The plain recurrent network, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from charrnn.cells.numpy_forms.base import Array, NumpyState
from charrnn.cells.numpy_forms.kernel import KernelCell


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
        self._activation = activation

    def step(self, projected: Array, state: NumpyState) -> tuple[Array, NumpyState]:
        """Advance ``(h,)`` by ``[B, H]``."""
        (hidden,) = state
        following, *_ = self.gates(hidden)
        following += projected
        if self._activation == "relu":
            np.maximum(following, 0, out=hidden)
        else:
            np.tanh(following, out=hidden)
        if self._activation == "sigmoid":
            self.to_logistic(hidden)
        return hidden, state
