"""The contract of a recurrent cell.

Shapes: ``T`` time steps, ``B`` batch lanes, ``I`` input features, ``H`` hidden features, ``P`` projected features.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from charrnn.recurrence import unroll

#: What a cell carries from step to step: each leaf is ``[B, ...]``. An LSTM has two, and is no special case.
State = tuple[Tensor, ...]


class Cell(nn.Module):
    """One recurrent layer, described by one time step.

    A cell writes :meth:`step` (and :meth:`project`, where part of the work needs no recurrence) in plain
    PyTorch, and is run over time by :mod:`charrnn.recurrence`. ``step`` is pure: it writes nothing to ``self``
    and does not branch on data. A cell with a faster whole-sequence form overrides :meth:`forward`.
    """

    #: The parameters, by their names in ``named_parameters()``, that multiply the hidden state in ``step``.
    recurrent_weights: ClassVar[tuple[str, ...]] = ()

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    def initial_state(self, batch_size: int) -> State:
        """Return the state before the first step: by default zeros, one leaf ``[B, H]``."""
        return (self._zeros(batch_size),)

    def project(self, inputs: Tensor) -> Tensor:
        """Do for all steps at once what needs no recurrence: ``[T, B, I] -> [T, B, P]``; by default nothing."""
        return inputs

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:  # noqa: ARG002 - the contract's names
        """Advance one step: ``[B, P]`` and a state to an output ``[B, H]`` and the next state."""
        raise TypeError(f"{type(self).__name__} must define step(projected, state)")

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run over time: ``[T, B, I]`` and a state to outputs ``[T, B, H]`` and the last state."""
        return unroll(self, inputs, state)

    def _zeros(self, batch_size: int) -> Tensor:
        like = next(self.parameters())
        return torch.zeros(batch_size, self.hidden_size, dtype=like.dtype, device=like.device)
