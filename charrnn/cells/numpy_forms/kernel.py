"""What the NumPy forms of torch's own cells share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from charrnn.cells.numpy_forms.base import Array, NumpyCell


class KernelCell(NumpyCell):
    """A cell whose parameters are those of one of torch's kernels; see :class:`charrnn.cells.fused.FusedCell`.

    ``σ(x) = tanh(x / 2) / 2 + 1 / 2`` makes of all gates one ``tanh``, which NumPy vectorises: the halves are put into
    the weights here, once.

    Args:
        weights: of the torch cell.
        input_size: ``I``.
        hidden_size: ``H``.
        gates: torch's gates, by number, in the order that suits the step: the logistic ones first.
        logistic: how many those are.
    """

    def __init__(
        self, weights: Mapping[str, Array], input_size: int, hidden_size: int, gates: list[int], logistic: int
    ) -> None:
        super().__init__(weights, input_size, hidden_size)
        rows = len(gates) * hidden_size
        # Of one row: what has as many axes is added without the detour of broadcasting.
        self.recurrent_bias = self._packed(self.take("kernel.bias_hh_l0", rows), gates, logistic)[np.newaxis]
        self.bias = self._packed(self.take("kernel.bias_ih_l0", rows), gates, logistic)[np.newaxis]
        # Row by row, and the transpose a view: OpenBLAS's product with a vector likes it best so.
        self.inward = self._packed(self.take("kernel.weight_ih_l0", rows, input_size), gates, logistic).T
        self.recurrent = self._packed(self.take("kernel.weight_hh_l0", rows, hidden_size), gates, logistic).T

        self.weights = {}  # all are packed by now; memory need not hold them twice
        self._parts = [slice(gate * hidden_size, (gate + 1) * hidden_size) for gate in range(len(gates))]
        self._logistic = slice(0, logistic * hidden_size)
        self._projected = np.empty((0, rows), self.dtype)
        self._views = self._split(np.empty((0, rows), self.dtype))
        # Arrays, though of one number: a plain number would be made one in every call.
        self._one, self._half = np.ones((), self.dtype), np.full((), 0.5, self.dtype)

    def gates(self, hidden: Array) -> tuple[Array, ...]:
        """Multiply the state with the recurrent weight: ``[B, H] -> [B, G H]``.

        Returns:
            All gates, the logistic ones, and each gate by itself: views of one array, that of the call before.
        """
        if len(self._views[0]) != len(hidden):
            self._views = self._split(np.empty((len(hidden), self.recurrent.shape[1]), self.dtype))
        np.dot(hidden, self.recurrent, out=self._views[0])
        return self._views

    def _split(self, gates: Array) -> tuple[Array, ...]:
        return gates, gates[:, self._logistic], *(gates[:, part] for part in self._parts)

    def _packed(self, weight: Array, gates: list[int], logistic: int) -> Array:
        parts = np.split(weight, len(gates))
        return np.concatenate([parts[gate] * (0.5 if place < logistic else 1) for place, gate in enumerate(gates)])

    def project(self, inputs: Array) -> Array:
        """``W x + b`` for all gates: ``[N, I] -> [N, G H]``, with ``G`` gates."""
        if len(self._projected) != len(inputs):
            self._projected = np.empty((len(inputs), self.bias.size), self.dtype)
        np.dot(inputs, self.inward, out=self._projected)
        self._projected += self.bias
        return self._projected

    def to_logistic(self, values: Array) -> None:
        """Make ``σ(x)`` of ``tanh(x / 2)``, in place."""
        values += self._one
        values *= self._half
