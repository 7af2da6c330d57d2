"""The plain recurrent network."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from charrnn.cells.base import State
from charrnn.cells.fused import FusedCell


class RNN(FusedCell):
    r"""The plain recurrent network (Elman 1990), with ``φ`` the activation::

        h_t = φ(W x_t + U h_{t-1} + b)

    The state is ``(h,)``. torch's kernel has no logistic activation: that one always goes through the engine.
    """

    def __init__(
        self, input_size: int, hidden_size: int, activation: Literal["tanh", "relu", "sigmoid"] = "tanh"
    ) -> None:
        fused = activation != "sigmoid"
        super().__init__(nn.RNN(input_size, hidden_size, nonlinearity=activation if fused else "tanh"))
        self.fused = fused
        self.activation = getattr(torch, activation)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equation above to ``[B, H]`` and ``(h,)``."""
        (hidden,) = state
        hidden = self.activation(projected + self.recur(hidden))
        return hidden, (hidden,)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` through torch's kernel, or through the engine where that is the faster one."""
        if not self.fused or self.kernel_is_slower(inputs):
            return super().forward(inputs, state)
        return self.run_kernel(inputs, state)
