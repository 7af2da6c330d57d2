"""One time step as a program: a graph of torch's operators that can be taken apart."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call, functionalize
from torch.fx.experimental.proxy_tensor import make_fx

from charrnn.recurrence.simplify import closure, drop, simplify

if TYPE_CHECKING:
    from charrnn.cells.base import Cell, State

_aten = torch.ops.aten


class UntraceableError(Exception):
    """A step is no fixed graph of operators; it has to run as it is written."""


@dataclass
class Program:
    """A graph of one time step, and what its inputs and outputs are to a loop over time.

    Attributes:
        root: holds the constants that the graph refers to.
        graph: its operators; inputs are in the order fixed, stepped, carried.
        fixed: inputs that are the same at each step: weights.
        stepped: inputs of which each step has its own.
        carried: inputs that the step before made: the state.
        following: what ``carried`` is to the next step.
        emitted: outputs of which each step has its own.
        summed: outputs that are summed over the steps: the gradients of ``fixed``.
    """

    root: nn.Module
    graph: fx.Graph
    fixed: list[fx.Node]
    stepped: list[fx.Node]
    carried: list[fx.Node]
    following: list[fx.Node]
    emitted: list[fx.Node]
    summed: list[fx.Node | None] = field(default_factory=list)

    def outputs(self) -> list[fx.Node]:
        """Return all nodes whose values leave the graph."""
        return [*self.following, *self.emitted, *(node for node in self.summed if node is not None)]


def trace_step(cell: Cell, projected: Tensor, state: State) -> tuple[Program, list[str]]:
    """Write down what ``cell.step`` does.

    Args:
        cell: its parameters and buffers become the fixed inputs.
        projected: of one step, ``[B, P]``.
        state: leaves ``[B, ...]``.

    Returns:
        The program, which emits the step's output, and the names of the fixed inputs.

    Raises:
        UntraceableError: why it cannot be written down.
    """
    step = _Step(cell)
    values = {**dict(step.named_parameters()), **dict(step.named_buffers())}
    names = list(values)

    def flat(*inputs: Tensor) -> list[Tensor]:
        weights, stepped, carried = inputs[: len(names)], inputs[len(names)], inputs[len(names) + 1 :]
        output, after = functional_call(step, dict(zip(names, weights, strict=True)), (stepped, carried))
        for old, new in zip(carried, after, strict=True):
            if old.shape != new.shape or not new.is_floating_point():
                raise UntraceableError("a leaf of the state changes its shape, or holds no real numbers")
        # Mixed precision makes the new state narrower than the old; a loop needs one type.
        return [*(new.to(old.dtype) for old, new in zip(carried, after, strict=True)), output]

    inputs = [*values.values(), projected, *state]
    with torch.no_grad():
        traced = _trace(functionalize(flat, remove="mutations"), [each.detach() for each in inputs])
    for node in traced.graph.nodes:
        if node.op == "call_function" and torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
            raise UntraceableError(f"it draws random numbers ({node.target})")
    placeholders, outputs = _ends(traced.graph)
    simplify(traced.graph, placeholders[len(names) + 1 :])
    outputs = _ends(traced.graph)[1]
    return Program(
        root=traced,
        graph=traced.graph,
        fixed=placeholders[: len(names)],
        stepped=[placeholders[len(names)]],
        carried=placeholders[len(names) + 1 :],
        following=outputs[:-1],
        emitted=outputs[-1:],
    ), names


def differentiate(program: Program, examples: Sequence[Tensor]) -> tuple[Program, Program, list[fx.Node]]:
    """Derive the program of the backward pass.

    Args:
        program: whose loop is to be differentiated.
        examples: a value of each of its inputs.

    Returns:
        The program once more, with what the backward pass needs in its graph; the backward program, whose stepped
        inputs are the values kept, then the gradients of ``emitted``, whose carried inputs are the gradients of
        ``following``, and which emits the gradients of ``stepped``; and the nodes of the first whose values are kept.
    """
    module = fx.GraphModule(program.root, program.graph)
    count = len(examples)

    def joint(*inputs: Tensor) -> list[Tensor | None]:
        primals = [each.detach().requires_grad_() for each in inputs[:count]]
        with torch.enable_grad():
            outputs = module.forward(*primals)
            pairs = [each for each in zip(outputs, inputs[count:], strict=True) if each[0].requires_grad]
            made, gradients = zip(*pairs, strict=True)
            found = torch.autograd.grad(made, primals, gradients, allow_unused=True)
        return [*outputs, *found]

    with torch.no_grad():
        outputs = module.forward(*examples)
    traced = _trace(joint, [*examples, *map(torch.zeros_like, outputs)])
    graph = traced.graph
    drop(graph)
    placeholders, ends = _ends(graph)
    primals, gradients = placeholders[:count], placeholders[count:]
    cuts = (len(program.fixed), len(program.fixed) + len(program.stepped))
    fixed, stepped, carried = primals[: cuts[0]], primals[cuts[0] : cuts[1]], primals[cuts[1] :]
    made, derived = ends[: len(outputs)], ends[len(outputs) :]
    forward = Program(traced, graph, fixed, stepped, carried, made[: len(carried)], made[len(carried) :])

    before = ancestors(made) & closure(graph, [*stepped, *carried]) | {*stepped, *carried}
    before |= {node for node in graph.nodes if is_part(node) and node.args[0] in before}
    after = ancestors(_nodes(derived)) - before
    used = {each for node in after for each in node.all_input_nodes} | set(_nodes(derived))
    kept = [node for node in graph.nodes if node in before and node in used]
    _fill(graph, primals[cuts[0] :], derived, cuts[0])
    inputs = [*fixed, *kept, *gradients[len(carried) :], *gradients[: len(carried)]]
    targets = [*derived[cuts[1] :], *derived[cuts[0] : cuts[1]], *derived[: cuts[0]]]
    copy, copied = extract(graph, inputs, _nodes(targets))
    roles = [copied[node] for node in inputs]
    simplify(copy, roles[-len(carried) :])
    found = iter(_ends(copy)[1])
    image = [None if node is None else next(found) for node in targets]
    split = len(inputs) - len(carried)
    backward = Program(
        root=traced,
        graph=copy,
        fixed=roles[: len(fixed)],
        stepped=roles[len(fixed) : split],
        carried=roles[split:],
        following=_nodes(image[: len(carried)]),
        emitted=_nodes(image[len(carried) : len(carried) + len(stepped)]),
        summed=image[len(carried) + len(stepped) :],
    )
    return forward, backward, kept


def ancestors(nodes: Iterable[fx.Node]) -> set[fx.Node]:
    """Return what any of ``nodes`` depends on, with those."""
    found: set[fx.Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found


def extract(
    graph: fx.Graph, inputs: Sequence[fx.Node], outputs: Sequence[fx.Node]
) -> tuple[fx.Graph, dict[fx.Node, fx.Node]]:
    """Copy the part of a graph that leads from ``inputs`` to ``outputs``; returns it and each node's copy."""
    part = fx.Graph()
    copies = {node: part.placeholder(f"input_{index}") for index, node in enumerate(inputs)}
    needed: set[fx.Node] = set()
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        if node not in copies and node not in needed:
            needed.add(node)
            waiting.extend(node.all_input_nodes)
    for node in graph.nodes:
        if node in needed:
            copies[node] = part.node_copy(node, copies.__getitem__)
    part.output(tuple(copies[node] for node in outputs))
    return part, copies


def is_part(node: fx.Node) -> bool:
    """Tell whether a node takes one value out of a tuple."""
    return node.target is operator.getitem


def is_view(node: fx.Node) -> bool:
    """Tell whether a node shows another's value in another shape."""
    if isinstance(node.target, torch._ops.OpOverload):
        returned = [each.alias_info for each in node.target._schema.returns]
        return any(alias is not None and not alias.is_write for alias in returned)
    return node.target in (operator.getitem, torch.narrow)


class _Step(nn.Module):
    """Lets the parameters of a cell be replaced for the time of a step."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        return self.cell.step(projected, state)


def _trace(function: Callable[..., Any], inputs: Sequence[Tensor]) -> fx.GraphModule:
    return make_fx(function)(*inputs)


def _ends(graph: fx.Graph) -> tuple[list[fx.Node], list[Any]]:
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    return placeholders, list(graph.output_node().args[0])  # type: ignore[arg-type]


def _nodes(found: Iterable[fx.Node | None]) -> list[fx.Node]:
    return [node for node in found if node is not None]


def _fill(graph: fx.Graph, of: Sequence[fx.Node], derived: list[fx.Node | None], start: int) -> None:
    """Put zeros where an input has no part in the outputs, so that it has a gradient like the others."""
    for index, node in enumerate(of, start):
        if derived[index] is None:
            with graph.inserting_before(graph.output_node()):
                derived[index] = graph.call_function(_aten.zeros_like.default, (node,))
