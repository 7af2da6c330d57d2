"""What cells are tried on: small cases first, so that the first to fail is the smallest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from charrnn.cells.base import Cell, State
from charrnn.errors import UsageError
from charrnn.recurrence.engine import step_by_step
from charrnn.testing.checks import Broken, require

#: Time steps, lanes, input and hidden features.
SIZES = ((1, 1, 1, 1), (2, 1, 1, 1), (3, 2, 1, 1), (3, 2, 2, 1), (3, 2, 1, 2), (4, 3, 2, 4), (7, 3, 4, 6), (6, 4, 8, 8))


@dataclass(frozen=True)
class Case:
    """A cell with inputs ``[T, B, I]`` and a state that it can come to."""

    cell: Cell
    inputs: Tensor
    state: State

    def __str__(self) -> str:
        """Say how large it is, and in which type."""
        time, lanes, features = self.inputs.shape
        dtype = str(self.inputs.dtype).removeprefix("torch.")
        return f"T={time} B={lanes} I={features} H={self.cell.hidden_size} {dtype}"

    def run(self) -> tuple[Tensor, State]:
        """Run over time as training does."""
        return self.cell(self.inputs, self.state)  # type: ignore[no-any-return]

    def steps(self) -> tuple[Tensor, State]:
        """Run step by step: what a cell means."""
        return step_by_step(self.cell, self.cell.project(self.inputs), self.state)


class CellSubject:
    """A cell's class and its options."""

    def __init__(self, cell: Any, options: Mapping[str, Any]) -> None:
        require(isinstance(cell, type) and issubclass(cell, Cell), f"{cell!r} is no subclass of charrnn.Cell")
        self._class = cell
        self._options = dict(options)

    def make(self, inputs: int, hidden: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Cell:
        """Build a cell."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            cell: Cell = self._class(inputs, hidden, **self._options).to(dtype)
        require(
            (cell.input_size, cell.hidden_size) == (inputs, hidden),
            "input_size and hidden_size should be what the cell was built with: call super().__init__ with them",
        )
        return cell

    def case(self, size: tuple[int, int, int, int], dtype: torch.dtype = torch.float64, seed: int = 0) -> Case:
        """Build a cell with random inputs, after two steps from its initial state."""
        time, lanes, features, hidden = size
        cell = self.make(features, hidden, dtype, seed)
        generator = torch.Generator().manual_seed(seed + 1)
        inputs = torch.randn(time + 2, lanes, features, generator=generator, dtype=torch.float64).to(dtype)
        with torch.no_grad():
            _, state = step_by_step(cell, cell.project(inputs[:2]), cell.initial_state(lanes))
        return Case(cell, inputs[2:], tuple(leaf.clone() for leaf in state))

    def cases(self, dtype: torch.dtype = torch.float64) -> Iterator[Case]:
        """Yield a case of each size that the cell can be built in, the smallest first.

        Raises:
            Broken: it can be built in none.
        """
        refused = None
        made = 0
        for size in SIZES:
            try:
                case = self.case(size, dtype)
            except UsageError as error:  # a cell may ask, say, for an even number of features
                refused = error
                continue
            made += 1
            yield case
        if not made:
            raise Broken(f"it cannot be built in any of the sizes tried: {refused}")


def flat(result: tuple[Tensor, State]) -> list[Tensor]:
    """Return outputs and state leaves as one list."""
    return [result[0], *result[1]]


def farthest(found: list[Tensor], wanted: list[Tensor]) -> float:
    """Return the largest difference of any two numbers; infinite where one is none, or shapes differ."""
    if [each.shape for each in found] != [each.shape for each in wanted]:
        return float("inf")
    apart = [(one.detach().double() - other.detach().double()).abs() for one, other in zip(found, wanted, strict=True)]
    largest = max((float(each.max()) for each in apart if each.numel()), default=0.0)
    return largest if largest == largest else float("inf")
