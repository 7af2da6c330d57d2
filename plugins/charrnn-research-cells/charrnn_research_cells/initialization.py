"""How the cells start."""

from __future__ import annotations

from torch import nn

from charrnn import Cell


def reset_parameters(cell: Cell) -> None:
    """Draw what a cell has so far from the uniform distribution on ``±1/sqrt(H)``, as torch's recurrent layers do."""
    bound = cell.hidden_size**-0.5
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -bound, bound)
