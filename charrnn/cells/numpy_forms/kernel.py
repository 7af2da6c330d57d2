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
        self.recurrent_bias = self._packed(self.take("kernel.bias_hh_l0", rows), gates, logistic)
        self.bias = self._packed(self.take("kernel.bias_ih_l0", rows), gates, logistic)
        # Row by row, and the transpose a view: OpenBLAS's product with a vector likes it best so.
        self.inward = self._packed(self.take("kernel.weight_ih_l0", rows, input_size), gates, logistic).T
        self.recurrent = self._packed(self.take("kernel.weight_hh_l0", rows, hidden_size), gates, logistic).T

    def _packed(self, weight: Array, gates: list[int], logistic: int) -> Array:
        parts = np.split(weight, len(gates))
        return np.concatenate([parts[gate] * (0.5 if place < logistic else 1) for place, gate in enumerate(gates)])

    def project(self, inputs: Array) -> Array:
        """``W x + b`` for all gates: ``[N, I] -> [N, G H]``, with ``G`` gates."""
        projected = self.scratch("projected", len(inputs), self.bias.size)
        np.dot(inputs, self.inward, out=projected)
        projected += self.bias
        return projected


def logistic(halved: Array) -> None:
    """Make ``σ(x)`` of ``x / 2``, in place."""
    np.tanh(halved, out=halved)
    tanh_to_logistic(halved)


def tanh_to_logistic(values: Array) -> None:
    """Make ``σ(x)`` of ``tanh(x / 2)``, in place."""
    values += 1
    values *= 0.5
