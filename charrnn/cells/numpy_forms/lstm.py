"""Long short-term memory, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charrnn.cells.numpy_forms.base import Array, NumpyState
from charrnn.cells.numpy_forms.kernel import KernelCell, tanh_to_logistic


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
        size = self.hidden_size
        gates = self.scratch("gates", *projected.shape)
        np.dot(hidden, self.recurrent, out=gates)
        gates += projected
        np.tanh(gates, out=gates)
        tanh_to_logistic(gates[:, : 3 * size])
        candidate = gates[:, 3 * size :]
        candidate *= gates[:, :size]
        memory *= gates[:, size : 2 * size]
        memory += candidate
        np.tanh(memory, out=hidden)
        hidden *= gates[:, 2 * size : 3 * size]
        return hidden, state
