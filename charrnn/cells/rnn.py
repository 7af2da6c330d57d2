"""The plain recurrent network."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from charrnn.cells.base import Cell, State


class RNN(Cell):
    r"""The plain recurrent network (Elman 1990), with ``φ`` the activation::

        h_t = φ(W x_t + U h_{t-1} + b)

    The state is ``(h,)``. Whole sequences run in torch's kernel, whose parameters these are; it has no logistic
    activation, which goes through the engine.
    """

    recurrent_weights = ("kernel.weight_hh_l0",)

    def __init__(
        self, input_size: int, hidden_size: int, activation: Literal["tanh", "relu", "sigmoid"] = "tanh"
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.activation = activation
        self.kernel = nn.RNN(
            input_size, hidden_size, nonlinearity="tanh" if activation == "sigmoid" else activation
        )

    def project(self, inputs: Tensor) -> Tensor:
        """The activation's inputs: ``[T, B, I] -> [T, B, H]``."""
        return functional.linear(inputs, self.kernel.weight_ih_l0, self.kernel.bias_ih_l0)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equation above to ``[B, H]`` and ``(h,)``."""
        (hidden,) = state
        total = projected + functional.linear(hidden, self.kernel.weight_hh_l0, self.kernel.bias_hh_l0)
        hidden = {"tanh": total.tanh, "relu": total.relu, "sigmoid": total.sigmoid}[self.activation]()
        return hidden, (hidden,)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` through torch's kernel, where it knows the activation."""
        if self.activation == "sigmoid":
            return super().forward(inputs, state)
        (hidden,) = state
        outputs, hidden = self.kernel(inputs, hidden.unsqueeze(0))
        return outputs, (hidden.squeeze(0),)
