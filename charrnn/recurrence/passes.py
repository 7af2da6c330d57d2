"""One pass over time, forward or backward: what is done once, ahead, in the loop, and behind it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, fx

from charrnn.recurrence.compiler import Compiler
from charrnn.recurrence.loop import Loop
from charrnn.recurrence.program import Program, Values, ancestors
from charrnn.recurrence.zones import Batched, Zones


class Pass:
    """Runs a program over time, without autograd.

    Args:
        program: of one step.
        wanted: nodes whose values are needed.
        examples: a value of each of the program's inputs, of one step.
        reverse: whether time runs backwards.
        apart: those of ``wanted`` that are left for :meth:`total`.
        compiler: compiles the loop, where it can.
    """

    def __init__(
        self,
        program: Program,
        wanted: Sequence[fx.Node],
        examples: Values,
        *,
        reverse: bool = False,
        apart: Sequence[fx.Node] = (),
        compiler: Compiler | None = None,
    ) -> None:
        zones = Zones(program, wanted)
        together = [node for node in zones.wanted if node not in apart]
        behind = ancestors(together) & zones.behind
        self._once, self._ahead = Batched(zones, zones.once), Batched(zones, zones.ahead)
        self._behind = Batched(zones, zones.behind, [node for node in zones.outputs_of(behind) if node in together])
        self._apart = {
            node: Batched(zones, zones.behind | zones.ahead, [node])
            for node in apart
            if node in zones.behind | zones.ahead
        }
        examples = dict(examples)
        with torch.no_grad():
            for zone in (self._once, self._ahead):
                examples.update(zip(zone.outputs, zone.once(examples), strict=True))
        outside = {*zones.wanted, *zones.inputs_of(zones.behind)}
        within = zones.loop | {*program.carried}
        emitted = [node for node in program.graph.nodes if node in outside & within]
        self._loop = Loop(zones, emitted, examples, reverse=reverse, compiler=compiler)

    def run(self, values: Values, steps: int) -> list[Tensor]:
        """Add the values of the wanted nodes to those of the inputs; returns the last carried values."""
        self._once.run(values)
        self._ahead.run(values)
        last = self._loop.run(values, steps)
        self._behind.run(values)
        return last

    def total(self, node: fx.Node, values: Values, steps: int) -> Tensor:
        """Sum a node that was left apart over the steps."""
        if node not in self._apart:
            result: Tensor = values[node].sum(0)
            return result
        zone = self._apart[node]
        result = zone.step(values, 0)[0].clone()
        for step in range(1, steps):
            result += zone.step(values, step)[0]
        return result
