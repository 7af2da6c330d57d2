"""How often gates saturate (Karpathy et al. 2015, Visualizing and Understanding Recurrent Networks, section 4.1).

A gate of one unit is left-saturated at a moment where it is below 0.1, and right-saturated where it is above 0.9. A
cell shows its gates by a method ``gates(projected, state) -> dict[str, Tensor]``, which takes what ``step`` takes and
returns each gate by its name, ``[B, H]``, between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from charrnn import Cell
from charrnn.model import LanguageModel
from charrnn.model.zoneout import Zoneout
from charrnn_inspect.reading import each_layer

LEFT, RIGHT = 0.1, 0.9


@dataclass(frozen=True)
class Saturation:
    """One gate of one layer: means over time, one number a unit.

    Attributes:
        layer: counted from 1.
        gate: its name.
        left: share of the moments below 0.1.
        right: share of the moments above 0.9.
        mean: of the gate.
    """

    layer: int
    gate: str
    left: list[float]
    right: list[float]
    mean: list[float]


def has_gates(model: LanguageModel) -> bool:
    """Tell whether the cell of a model shows its gates."""
    return all(callable(getattr(_bare(cell), "gates", None)) for cell in model.cells)


def saturation(model: LanguageModel, ids: Tensor) -> list[Saturation]:
    """Watch the gates of a model, which has them, while it reads ids ``[T, B]`` from its initial state."""
    found = []
    for layer, (cell, inputs) in enumerate(each_layer(model, ids), 1):
        for gate, values in _over_time(cell, inputs).items():
            shares = [each.double().mean(dim=(0, 1)).tolist() for each in (values < LEFT, values > RIGHT, values)]
            found.append(Saturation(layer, gate, *shares))
    return found


def _over_time(cell: Cell, inputs: Tensor) -> dict[str, Tensor]:
    """Return each gate as ``[T, B, H]``."""
    gates: Callable[..., dict[str, Tensor]] = _bare(cell).gates  # type: ignore[assignment]
    with torch.no_grad():
        state, seen = cell.initial_state(inputs.shape[1]), []
        for each in cell.project(inputs):
            seen.append(gates(each, state))
            _, state = cell.step(each, state)
    return {name: torch.stack([each[name] for each in seen]) for name in seen[0]}


def _bare(cell: nn.Module) -> nn.Module:
    """Return the cell itself, which zoneout wraps."""
    return cell.cell if isinstance(cell, Zoneout) else cell
