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

from charrnn.model import LanguageModel
from charrnn_inspect.reading import Layer, read_layers

LEFT, RIGHT = 0.1, 0.9

#: Steps of which all gates are held at once.
_SEGMENT = 250


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
    return all(map(_shows_gates, model.cells))


def saturation(model: LanguageModel, ids: Tensor) -> list[Saturation]:
    """Watch the gates of a model, which has them, while it reads ids ``[T, B]`` from its initial state."""
    sums: dict[tuple[int, str], Tensor] = {}
    state = model.initial_state(ids.shape[1])
    for start in range(0, len(ids), _SEGMENT):
        layers, state = read_layers(model, ids[start : start + _SEGMENT], state)
        for number, layer in enumerate(layers, 1):
            for gate, values in _over_time(layer).items():
                seen = torch.stack([each.double().sum(dim=(0, 1)) for each in (values < LEFT, values > RIGHT, values)])
                sums[number, gate] = sums.get((number, gate), 0.0) + seen
    return [Saturation(*of, *(each / ids.numel()).tolist()) for of, each in sums.items()]


def _over_time(layer: Layer) -> dict[str, Tensor]:
    """Return each gate as ``[T, B, H]``."""
    cell, state, seen = layer.cell, layer.state, []
    gates: Callable[..., dict[str, Tensor]] = cell.gates  # type: ignore[assignment]
    with torch.no_grad():
        for each in cell.project(layer.inputs):
            seen.append(gates(each, state))
            _, state = cell.step(each, state)
    return {name: torch.stack([each[name] for each in seen]) for name in seen[0]}


def _shows_gates(cell: nn.Module) -> bool:
    gates = getattr(cell, "gates", None)
    return callable(gates) and not isinstance(gates, nn.Module)  # a part of a cell may be called so, too
