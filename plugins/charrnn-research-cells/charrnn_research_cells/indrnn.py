"""Independently recurrent network."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from charrnn import Cell, State
from charrnn_research_cells.initialization import reset_parameters


class IndRNN(Cell):
    r"""IndRNN (Li et al. 2018, "Independently recurrent neural network: building a longer and deeper RNN").

    A unit sees its own past and no other's; what the units do together is left to the next layer. With ``φ`` the
    activation and ``*`` element-wise::

        h_t = φ(W x_t + u * h_{t-1} + b)

    The state is ``(h,)``. ``u`` starts uniform between 0 and 1, so that some units of a new network forget at once and
    others hardly.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        activation: ``φ``.
    """

    # u multiplies the state, but is a vector: there is no matrix to make orthogonal, nor connections to drop.
    recurrent_weights = ()

    def __init__(self, input_size: int, hidden_size: int, activation: Literal["relu", "tanh"] = "relu") -> None:
        super().__init__(input_size, hidden_size)
        self.activation = getattr(torch, activation)
        self.read = nn.Linear(input_size, hidden_size)
        reset_parameters(self)
        self.recur = nn.Parameter(torch.rand(hidden_size))

    def project(self, inputs: Tensor) -> Tensor:
        """``W x + b`` for all steps: ``[T, B, I] -> [T, B, H]``."""
        projected: Tensor = self.read(inputs)
        return projected

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equation above to ``[B, H]`` and ``(h,)``."""
        (hidden,) = state
        hidden = self.activation(projected + self.recur * hidden)
        return hidden, (hidden,)
