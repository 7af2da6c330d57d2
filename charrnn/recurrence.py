"""Runs any cell over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from charrnn.cells.base import Cell, State


def unroll(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Apply ``cell`` to each time step in order.

    Args:
        cell: what advances one step.
        inputs: ``[T, B, I]``, ``T`` at least 1.
        state: leaves ``[B, ...]``.

    Returns:
        Outputs ``[T, B, H]`` and the state after the last step.
    """
    outputs = []
    for projected in cell.project(inputs).unbind(0):
        output, state = cell.step(projected, state)
        outputs.append(output)
    return torch.stack(outputs), state
