"""Long short-term memory, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charrnn.cells.numpy_forms.base import Array, NumpyState
from charrnn.cells.numpy_forms.kernel import KernelCell


class LSTM(KernelCell):
    """The step of :class:`charrnn.cells.lstm.LSTM`; its gates lie in the order in, forget, out, candidate."""

    def __init__(self, weights: Mapping[str, Array], input_size: int, hidden_size: int) -> None:
        super().__init__(weights, input_size, hidden_size, gates=[0, 1, 3, 2], logistic=3)
        self.bias += self.recurrent_bias

    def initial_state(self, batch_size: int) -> NumpyState:
        """Return zeros for ``h`` and ``c``, each ``[B, H]``."""
        return super().initial_state(batch_size) + super().initial_state(batch_size)

    def step(self, projected: Array, state: NumpyState) -> tuple[Array, NumpyState]:
        """Advance ``(h, c)`` in place by ``[B, 4H]``."""
        hidden, memory = state
        gates, logistic, into, forget, out, candidate = self.gates(hidden)
        gates += projected
        np.tanh(gates, out=gates)
        self.to_logistic(logistic)
        candidate *= into
        memory *= forget
        memory += candidate
        np.tanh(memory, out=hidden)
        hidden *= out
        return hidden, state
