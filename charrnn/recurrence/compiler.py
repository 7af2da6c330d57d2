"""Compiles the turns of a loop by torch's compiler, which makes one kernel of all that is element-wise.

torch keeps what it compiled in a cache of its own, so that a second run of a program starts in a second or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from charrnn.errors import raise_interruption
from charrnn.recurrence.program import make_graph

#: Steps that are compiled together: enough that a call costs little beside what it does.
STEPS = 8

Compiled = Callable[..., Sequence[Tensor]]


class Compiler:
    """Compiles functions of tensors, until it fails for the first time.

    Attributes:
        failure: why it failed, if it did.
        count: functions compiled.
    """

    def __init__(self) -> None:
        self.failure: str | None = None
        self.count = 0

    def compile(self, function: Callable[..., Any], inputs: Sequence[Tensor]) -> Compiled | None:
        """Return what does the same as ``function`` for inputs of these shapes and strides, or None."""
        if self.failure is not None:
            return None
        try:
            with torch.no_grad():
                # Rows share one storage, and leaves of a state may be one tensor: the compiler must not think that
                # this is so by nature.
                apart = [
                    torch.empty_strided(each.shape, each.stride(), dtype=each.dtype, device=each.device).copy_(each)
                    for each in inputs
                ]
                graph = make_graph(function, *apart)
                compiled = torch._inductor.standalone_compile(graph, [*apart], dynamic_shapes="from_example_inputs")
        except Exception as error:
            raise_interruption(error)
            # A compiler that is not there, or cannot do it, is no reason not to train.
            self.failure = str(error).strip().partition("\n")[0]
            return None
        self.count += 1
        return compiled


class Chunks:
    """Several turns of a loop as one function.

    Args:
        compiler: compiles it.
        turn: takes fixed, carried and stepped inputs of a step; returns carried values and those to be written.
        fixed: how many inputs are fixed.
        carried: how many are carried.
        written: how many values are written into rows.
    """

    def __init__(self, compiler: Compiler, turn: Compiled, fixed: int, carried: int, written: int) -> None:
        self._compiler, self._turn = compiler, turn
        self._fixed, self._carried, self._written = fixed, carried, written
        self._compiled: dict[Any, Compiled | None] = {}

    def run(
        self, fixed: Sequence[Tensor], carried: Sequence[Tensor], columns: Sequence[Sequence[Tensor]], steps: int
    ) -> tuple[Sequence[Tensor], int]:
        """Run as many steps as whole chunks hold.

        Args:
            fixed: the fixed inputs.
            carried: the first carried values.
            columns: the rows of each stepped input, and those to be written, in the order of the turns.
            steps: how many there are.

        Returns:
            The carried values, and how many steps were done.
        """
        if steps < STEPS:
            return carried, 0
        rows = list(zip(*columns, strict=True)) if columns else [()] * steps
        groups = [
            [each for row in rows[start : start + STEPS] for each in row]
            for start in range(0, steps - STEPS + 1, STEPS)
        ]
        first = [*fixed, *carried, *groups[0]]
        key = tuple((each.shape, each.stride()) for each in first)
        if key not in self._compiled:
            self._compiled[key] = self._compiler.compile(self._chunk, first)
        chunk = self._compiled[key]
        if chunk is None:
            return carried, 0
        for group in groups:
            carried = chunk(*fixed, *carried, *group)
        return carried, len(groups) * STEPS

    def _chunk(self, *inputs: Tensor) -> list[Tensor]:
        first = self._fixed + self._carried
        fixed, carried, rows = inputs[: self._fixed], inputs[self._fixed : first], inputs[first:]
        width = len(rows) // STEPS
        for start in range(0, len(rows), width) if width else [0] * STEPS:
            row = rows[start : start + width]
            made = self._turn(*fixed, *carried, *row[: width - self._written])
            carried = tuple(made[: self._carried])
            for place, value in zip(row[width - self._written :], made[self._carried :], strict=True):
                place.copy_(value)
        return list(carried)


_current: ContextVar[Compiler | None] = ContextVar("compiler", default=None)


def current_compiler() -> Compiler | None:
    """Return the compiler that loops are to use."""
    return _current.get()


@contextmanager
def compiling(compiler: Compiler | None) -> Iterator[None]:
    """Let the cells that run within be compiled."""
    token = _current.set(compiler)
    try:
        yield
    finally:
        _current.reset(token)
