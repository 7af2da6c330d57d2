"""What the cells share that are a linear recurrence in their output."""

from __future__ import annotations

import torch
from torch import Tensor

from charrnn import Cell, QuickProducts, State, linear_scan


class LinearCell(Cell):
    r"""A cell whose output is its state, and whose decay and input see ``x_t`` only::

        h_t = a_t * h_{t-1} + b_t

    A cell writes :meth:`terms`. The state is ``(h,)``.
    """

    def terms(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Compute ``a`` and ``b`` of all steps: ``[T, B, I]`` to two of ``[T, B, H]``."""
        raise NotImplementedError

    def project(self, inputs: Tensor) -> Tensor:
        """Compute ``a`` and ``b`` of all steps, side by side: ``[T, B, I] -> [T, B, 2H]``."""
        return torch.cat(self.terms(inputs), dim=-1)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equation above to ``[B, 2H]`` and ``(h,)``."""
        (hidden,) = state
        decay, term = projected.chunk(2, dim=-1)
        hidden = decay * hidden + term
        return hidden, (hidden,)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` as one linear recurrence."""
        (hidden,) = state
        with QuickProducts():
            terms = self.terms(inputs)
        outputs = linear_scan(*terms, hidden)
        return outputs, (outputs[-1],)
