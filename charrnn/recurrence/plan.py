"""How one cell runs over time, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from charrnn.recurrence.compiler import Compiler
from charrnn.recurrence.derivative import refuse_second
from charrnn.recurrence.differentiate import differentiate
from charrnn.recurrence.passes import Pass
from charrnn.recurrence.program import Program, Values, closure, evaluate, extract
from charrnn.recurrence.sums import Sum
from charrnn.recurrence.trace import told_apart, trace_step, undisturbed
from charrnn.recurrence.zones import Batched, Zones

if TYPE_CHECKING:
    from charrnn.cells.base import Cell, State


class Plan:
    """A cell's step, taken apart for states and inputs of one shape.

    What does not recur runs for all steps at once, under torch's autograd; what recurs is one function of ours.

    Args:
        cell: gives the step; its parameters are looked up anew at each run.
        projected: ``[T, B, P]``.
        state: leaves ``[B, ...]``.
        compiler: compiles the loops of training, where it can.

    Raises:
        UntraceableError: the step is no fixed graph of operators.
    """

    def __init__(self, cell: Cell, projected: Tensor, state: State, compiler: Compiler | None = None) -> None:
        program, self._weights = trace_step(cell, projected[0], state)
        self._program = program
        zones = Zones(program)
        self._varying = zones.varying
        self._once, self._ahead, self._behind = (
            Batched(zones, each) for each in (zones.once, zones.ahead, zones.behind)
        )
        fixed, stepped = zones.loop_inputs()
        outside = {*program.emitted, *zones.inputs_of(zones.behind)}
        within = zones.loop | {*program.carried}
        emitted = [node for node in program.graph.nodes if node in outside & within]
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
        self._core = Core(part, compiler)

    def run(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Run the cell over ``[T, B, P]``; returns the outputs ``[T, B, H]`` and the last state."""
        program = self._program
        values: Values = dict(zip(program.fixed, self._weights.tensors(), strict=True))
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
        if output not in self._varying:
            outputs = outputs.expand(steps, *outputs.shape)
        return outputs, tuple(last)


class Core:
    """The recurrent part of a step over time, as one function of its inputs.

    Args:
        program: nodes of the recurrent zone only.
        compiler: compiles the loops of training, where it can.
    """

    def __init__(self, program: Program, compiler: Compiler | None) -> None:
        self.program = program
        self._compiler = compiler
        self._inputs = program.inputs()
        self._plain: Pass | None = None
        self._derived: Derived | None = None

    def run(self, inputs: Sequence[Tensor], steps: int) -> tuple[list[Tensor], list[Tensor]]:
        """Run over time; returns the emitted values, each ``[T, ...]``, and the last carried values."""
        if torch.is_grad_enabled() and any(each.requires_grad for each in inputs):
            if self._derived is None:
                with undisturbed(), told_apart():
                    self._derived = Derived(self.program, self._examples(inputs), self._compiler)
            found = list(_Recurrence.apply(self._derived, steps, *inputs))  # type: ignore[no-untyped-call]
            count = len(self.program.emitted)
            return found[:count], found[count:]
        if self._plain is None:
            examples = dict(zip(self._inputs, self._examples(inputs), strict=True))
            self._plain = Pass(self.program, self.program.emitted, examples)
        values = dict(zip(self._inputs, inputs, strict=True))
        last = self._plain.run(values, steps)
        return [values[node] for node in self.program.emitted], [each.clone() for each in last]

    def _examples(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return the inputs of the first step."""
        first = len(self.program.fixed)
        last = first + len(self.program.stepped)
        rows = [each[0] if first <= index < last else each for index, each in enumerate(inputs)]
        return [each.detach().clone() for each in rows]


class Derived:
    """Both passes over a core, planned together: what the first keeps is what the second needs."""

    def __init__(self, program: Program, examples: Sequence[Tensor], compiler: Compiler | None) -> None:
        self.program, self.gradient, self.kept = differentiate(program, examples)
        forward, backward = self.program, self.gradient
        wanted = list(dict.fromkeys([*forward.emitted, *self.kept]))
        values = evaluate(forward.root, forward.graph, dict(zip(forward.inputs(), examples, strict=True)))
        self._forward = Pass(forward, wanted, values, compiler=compiler)
        given = [values[node] for node in [*forward.fixed, *self.kept, *forward.emitted, *forward.following]]
        self._varying = closure(backward.graph, [*backward.stepped, *backward.carried])
        self._sums = [None if node is None else Sum(node, self._varying) for node in backward.summed]
        sums = [each for each in self._sums if each is not None]
        apart = [node for each in sums for node in each.rest]
        self._backward = Pass(
            backward,
            [*backward.emitted, *(node for each in sums for node in each.operands), *apart],
            dict(zip(backward.inputs(), given, strict=True)),
            reverse=True,
            apart=apart,
            compiler=compiler,
        )

    def forward(self, inputs: Sequence[Tensor], steps: int) -> tuple[list[Tensor], list[Tensor]]:
        """Return what is to be kept for the backward pass, and the outputs: emitted values, last carried values."""
        values = dict(zip(self.program.inputs(), inputs, strict=True))
        last = self._forward.run(values, steps)
        kept = [values[node] for node in [*self.program.fixed, *self.kept]]
        # What outlives the loop must not hold its history.
        return kept, [*(values[node] for node in self.program.emitted), *(each.clone() for each in last)]

    def backward(self, inputs: Sequence[Tensor], steps: int, wanted: Sequence[bool]) -> list[Tensor | None]:
        """Return the gradients of the inputs, from what was kept and the gradients of the outputs."""
        values = dict(zip(self.gradient.inputs(), inputs, strict=True))
        last = self._backward.run(values, steps)
        sums = [
            each.run(values, lambda node: self._backward.total(node, values, steps), steps) if each and need else None
            for each, need in zip(self._sums, wanted[: len(self._sums)], strict=True)
        ]
        stepped = [
            values[node] if node in self._varying else values[node].expand(steps, *values[node].shape)
            for node in self.gradient.emitted
        ]
        return [*sums, *stepped, *last]


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, derived: Derived, steps: int, *inputs: Tensor) -> tuple[Tensor, ...]:
        kept, outputs = derived.forward(inputs, steps)
        ctx.save_for_backward(*kept)
        ctx.derived, ctx.steps = derived, steps
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second()
        found = ctx.derived.backward([*ctx.saved_tensors, *gradients], ctx.steps, ctx.needs_input_grad[2:])
        wanted = ctx.needs_input_grad[2:]
        return (None, None, *(each if needed else None for each, needed in zip(found, wanted, strict=True)))
