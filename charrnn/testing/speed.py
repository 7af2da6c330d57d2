"""How fast a cell trains beside the built-in LSTM of the same size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any

import torch

from charrnn.cells.base import Cell
from charrnn.plugins import plugins
from charrnn.recurrence import explain

#: What it is measured beside.
REFERENCE = "lstm"
TIME, LANES, FEATURES = 64, 32, 128
_ROUNDS = 7


@dataclass(frozen=True)
class Speed:
    """Medians of interleaved rounds of one forward and backward pass, in time steps of all lanes a second.

    Attributes:
        steps_per_second: of the cell.
        reference: of the built-in LSTM.
        ratio: the first divided by the second.
        loop: why the cell's steps run one by one under autograd, or None where the engine runs them.
    """

    steps_per_second: float
    reference: float
    ratio: float
    loop: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def measure(cell: type[Cell], options: Mapping[str, Any]) -> Speed:
    """Measure a layer of 128 features on 64 steps of 32 lanes."""
    subject = cell(FEATURES, FEATURES, **options)
    reference: Cell = plugins().cells[REFERENCE].load()(FEATURES, FEATURES)
    inputs = torch.randn(TIME, LANES, FEATURES)
    times: dict[int, list[float]] = {0: [], 1: []}
    for number in range(_ROUNDS + 1):
        for which, each in enumerate((subject, reference)):
            took = _pass(each, inputs)
            if number:  # the first is the time to plan
                times[which].append(took)
    ours, theirs = (TIME * LANES / median(each) for each in times.values())
    overridden = type(subject).forward is not Cell.forward
    loop = None if overridden else explain(subject, inputs, subject.initial_state(LANES))
    return Speed(ours, theirs, ours / theirs, loop)


def _pass(cell: Cell, inputs: torch.Tensor) -> float:
    began = perf_counter()
    outputs, _ = cell(inputs, cell.initial_state(LANES))
    outputs.sum().backward()
    return perf_counter() - began
