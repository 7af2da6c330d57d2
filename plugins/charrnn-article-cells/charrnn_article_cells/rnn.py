"""The article's plain recurrent network."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from charrnn import Cell, State
from charrnn_article_cells.initialization import reset_parameters


class ArticleRNN(Cell):
    r"""The article's plain recurrent network, with ``σ`` the logistic function::

        h_t = σ(W_hh h_{t-1} + W_xh x_t + b_h)

    The state is ``(h,)``.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        activation: what stands in the place of ``σ``.
    """

    recurrent_weights = ("recur.weight",)

    def __init__(
        self, input_size: int, hidden_size: int, activation: Literal["sigmoid", "tanh", "relu"] = "sigmoid"
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.read = nn.Linear(input_size, hidden_size)
        self.recur = nn.Linear(hidden_size, hidden_size, bias=False)
        self.activation = getattr(torch, activation)
        reset_parameters(self)

    def project(self, inputs: Tensor) -> Tensor:
        """``W_xh x + b_h`` for all steps: ``[T, B, I] -> [T, B, H]``."""
        projected: Tensor = self.read(inputs)
        return projected

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equation above to ``[B, H]`` and ``(h,)``."""
        (hidden,) = state
        hidden = self.activation(projected + self.recur(hidden))
        return hidden, (hidden,)
