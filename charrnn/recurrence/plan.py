"""How one cell runs over time, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx

from charrnn.recurrence.loop import Loop
from charrnn.recurrence.program import Program, differentiate, extract, trace_step
from charrnn.recurrence.sums import Sum
from charrnn.recurrence.zones import Batched, Values, Zones

if TYPE_CHECKING:
    from charrnn.cells.base import Cell, State


class Plan:
    """A cell's step, taken apart for states and inputs of one shape.

    What does not recur runs for all steps at once, under torch's autograd; what recurs is one function of ours.

    Args:
        cell: gives the step; its parameters are looked up anew at each run.
        projected: ``[T, B, P]``.
        state: leaves ``[B, ...]``.

    Raises:
        UntraceableError: the step is no fixed graph of operators.
    """

    def __init__(self, cell: Cell, projected: Tensor, state: State) -> None:
        program, names = trace_step(cell, projected[0], state)
        self._program = program
        self._names = [name.removeprefix("cell.") for name in names]
        zones = Zones(program)
        self._once, self._ahead, self._behind = (Batched(zones, each) for each in (zones.once, zones.ahead, zones.behind))
        inputs = zones.inputs_of(zones.loop, program.following)
        fixed = [node for node in inputs if node not in zones.varying]
        stepped = [node for node in inputs if node in zones.varying and node not in program.carried]
        outside = {*program.emitted, *zones.inputs_of(zones.behind)}
        emitted = [node for node in [*program.graph.nodes] if node in outside and node in zones.loop | {*program.carried}]
        graph, copies = extract(program.graph, [*fixed, *stepped, *program.carried], [*program.following, *emitted])
        self._inputs = [*fixed, *stepped, *program.carried]
        self._emitted = emitted
        part = Program(
            root=program.root,
            graph=graph,
            fixed=[copies[node] for node in fixed],
            stepped=[copies[node] for node in stepped],
            carried=[copies[node] for node in program.carried],
            following=[copies[node] for node in program.following],
            emitted=[copies[node] for node in emitted],
        )
        self._core = Core(part)

    def run(self, cell: Cell, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Run the cell over ``[T, B, P]``; returns the outputs ``[T, B, H]`` and the last state."""
        program = self._program
        weights = {**dict(cell.named_parameters()), **dict(cell.named_buffers())}
        values: Values = {node: weights[name] for node, name in zip(program.fixed, self._names, strict=True)}
        values[program.stepped[0]] = projected
        values.update(zip(program.carried, state, strict=True))
        self._once.run(values)
        self._ahead.run(values)
        steps = len(projected)
        emitted, last = self._core.run([values[node] for node in self._inputs], steps)
        values.update(zip(self._emitted, emitted, strict=True))
        self._behind.run(values)
        (output,) = program.emitted
        outputs = values[output]
        if outputs.shape[:1] != (steps,) or output in program.fixed or output in self._once.outputs:
            outputs = outputs.expand(steps, *outputs.shape)
        return outputs, tuple(last)


class Core:
    """The recurrent part of a step: its loop, and the loop of its derivative.

    Args:
        program: nodes of the recurrent zone only.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._inputs = [*program.fixed, *program.stepped, *program.carried]
        self._loop: Loop | None = None
        self._derived: Derived | None = None

    def run(self, inputs: Sequence[Tensor], steps: int) -> tuple[list[Tensor], list[Tensor]]:
        """Run over time; returns the emitted values, each ``[T, ...]``, and the last carried values."""
        examples = self._examples(inputs)
        if torch.is_grad_enabled() and any(each.requires_grad for each in inputs):
            if self._derived is None:
                self._derived = Derived(self.program, examples)
            found = list(_Recurrence.apply(self._derived, steps, *inputs))
            count = len(self.program.emitted)
            return found[:count], found[count:]
        if self._loop is None:
            self._loop = Loop(
                Zones(self.program), self.program.emitted, dict(zip(self._inputs, examples, strict=True))
            )
        values = dict(zip(self._inputs, inputs, strict=True))
        last = self._loop.run(values, steps)
        return [values[node] for node in self.program.emitted], [each.clone() for each in last]

    def _examples(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return the inputs of the first step."""
        first = len(self.program.fixed)
        last = first + len(self.program.stepped)
        return [each.detach()[0] if first <= index < last else each.detach() for index, each in enumerate(inputs)]


class Derived:
    """Both passes over a core, planned together: what the first keeps is what the second needs."""

    def __init__(self, program: Program, examples: Sequence[Tensor]) -> None:
        self.forward, self.backward, self.kept = differentiate(program, examples)
        forward, backward = self.forward, self.backward
        inputs = [*forward.fixed, *forward.stepped, *forward.carried]
        emitted = list(dict.fromkeys([*forward.emitted, *self.kept]))
        zones = Zones(forward, emitted)
        values = dict(zip(inputs, examples, strict=True))
        self.loop = Loop(zones, emitted, values)
        one_step = fx.GraphModule(forward.root, extract(forward.graph, inputs, [*self.kept, *forward.following, *forward.emitted])[0])
        with torch.no_grad():
            found = list(one_step.forward(*examples))
        count = len(self.kept)
        gradients = [*found[count + len(forward.following) :], *found[count : count + len(forward.following)]]
        given = [*examples[: len(forward.fixed)], *found[:count], *gradients]
        values = dict(zip([*backward.fixed, *backward.stepped, *backward.carried], given, strict=True))

        varying = Zones(backward).varying
        self.sums = [None if node is None else Sum(node, varying) for node in backward.summed]
        operands = [node for each in self.sums if each for node in [*each.operands, *each.rest]]
        zones = Zones(backward, [*backward.following, *backward.emitted, *operands], sink=True)
        self.once, self.ahead = Batched(zones, zones.once), Batched(zones, zones.ahead)
        with torch.no_grad():
            self.once.run(values)
            values.update(zip(self.ahead.outputs, self.ahead.once(values), strict=True))
        self._rest = {node for each in self.sums if each for node in each.rest}
        plain = [node for node in dict.fromkeys([*backward.emitted, *(n for e in self.sums if e for n in e.operands)])]
        self.behind = Batched(zones, zones.behind, plain)
        self.apart = {node: Batched(zones, zones.behind | zones.ahead, [node]) for node in self._rest - zones.loop}
        self.reverse = Loop(
            zones,
            [node for node in backward.graph.nodes if node in zones.loop | {*backward.carried} and node in self._needed(zones)],
            values,
            reverse=True,
        )

    def _needed(self, zones: Zones) -> set[fx.Node]:
        return {*zones.inputs_of(zones.behind), *zones.wanted} - {*self.backward.following} | (
            {*zones.inputs_of(zones.behind), *self.backward.emitted} & {*self.backward.following}
        )

    def run(self, values: Values, steps: int, wanted: Sequence[bool]) -> list[Tensor | None]:
        """Return the gradients of the fixed, stepped and carried inputs."""
        backward = self.backward
        self.once.run(values)
        self.ahead.run(values)
        last = self.reverse.run(values, steps)
        self.behind.run(values)

        def rest(node: fx.Node) -> Tensor:
            if node not in self.apart:
                return values[node].sum(0)  # type: ignore[no-any-return]
            total = self.apart[node].step(values, 0)[0].clone()
            for step in range(1, steps):
                total += self.apart[node].step(values, step)[0]
            return total

        sums = [
            each.run(values, rest, steps) if each is not None and need else None
            for each, need in zip(self.sums, wanted[: len(self.sums)], strict=True)
        ]
        return [*sums, *(values[node] for node in backward.emitted), *last]


class _Recurrence(torch.autograd.Function):
    """A core over time as one function of its inputs."""

    @staticmethod
    def forward(ctx: Any, derived: Derived, steps: int, *inputs: Tensor) -> tuple[Tensor, ...]:
        forward = derived.forward
        values = dict(zip([*forward.fixed, *forward.stepped, *forward.carried], inputs, strict=True))
        last = derived.loop.run(values, steps)
        ctx.save_for_backward(*(values[node] for node in [*forward.fixed, *derived.kept]))
        ctx.derived, ctx.steps = derived, steps
        # What outlives the loop must not hold its history.
        return (*(values[node] for node in forward.emitted), *(each.clone() for each in last))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "charrnn runs cells over time without a second derivative; for one, call cell.step in a loop"
            )
        derived = ctx.derived
        backward = derived.backward
        values = dict(
            zip(
                [*backward.fixed, *backward.stepped, *backward.carried],
                [*ctx.saved_tensors, *gradients],
                strict=True,
            )
        )
        return (None, None, *derived.run(values, ctx.steps, ctx.needs_input_grad[2:]))
