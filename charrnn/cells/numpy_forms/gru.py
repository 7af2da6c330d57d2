"""Gated recurrent unit, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charrnn.cells.numpy_forms.base import Array, NumpyState
from charrnn.cells.numpy_forms.kernel import KernelCell


class GRU(KernelCell):
    """The step of :class:`charrnn.cells.gru.GRU`; its gates lie in torch's order: reset, update, candidate."""

    def __init__(self, weights: Mapping[str, Array], input_size: int, hidden_size: int) -> None:
        super().__init__(weights, input_size, hidden_size, gates=[0, 1, 2], logistic=2)
        self.bias[:, : 2 * hidden_size] += self.recurrent_bias[:, : 2 * hidden_size]
        self.candidate_bias = self.recurrent_bias[:, 2 * hidden_size :]

    def step(self, projected: Array, state: NumpyState) -> tuple[Array, NumpyState]:
        """Advance ``(h,)`` in place by ``[B, 3H]``."""
        (hidden,) = state
        _, logistic, reset, update, candidate = self.gates(hidden)
        logistic += projected[:, : 2 * self.hidden_size]
        np.tanh(logistic, out=logistic)
        self.to_logistic(logistic)
        candidate += self.candidate_bias
        candidate *= reset
        candidate += projected[:, 2 * self.hidden_size :]
        np.tanh(candidate, out=candidate)
        hidden -= candidate
        hidden *= update
        hidden += candidate
        return hidden, state
