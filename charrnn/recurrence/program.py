"""One time step as a program: a graph of torch's operators that can be taken apart."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.func import functionalize
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode

from charrnn.recurrence.simplify import closure, drop, simplify

if TYPE_CHECKING:
    from charrnn.cells.base import Cell, State

_aten = torch.ops.aten

Values = dict[fx.Node, Any]


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

    def inputs(self) -> list[fx.Node]:
        """Return the inputs in their order."""
        return [*self.fixed, *self.stepped, *self.carried]

    def outputs(self) -> list[fx.Node]:
        """Return all nodes whose values leave the graph."""
        return [*self.following, *self.emitted, *(node for node in self.summed if node is not None)]


class Weights:
    """The parameters and buffers of a cell, each once, wherever in its modules they are and under how many names."""

    def __init__(self, cell: nn.Module) -> None:
        tables: list[dict[str, Any]] = [
            table for module in cell.modules() for table in (module._parameters, module._buffers)
        ]
        places = [(table, name) for table in tables for name, value in table.items() if value is not None]
        self._places: dict[int, list[tuple[dict[str, Any], str]]] = {}
        for table, name in places:
            self._places.setdefault(id(table[name]), []).append((table, name))

    def tensors(self) -> list[Tensor]:
        """Return what they are now."""
        return [table[name] for (table, name), *_ in self._places.values()]

    @contextmanager
    def replaced(self, values: Sequence[Tensor]) -> Iterator[None]:
        """Put other tensors in their places for a while."""
        before = self.tensors()
        self._put(values)
        try:
            yield
        finally:
            self._put(before)

    def _put(self, values: Sequence[Tensor]) -> None:
        for places, value in zip(self._places.values(), values, strict=True):
            for table, name in places:
                table[name] = value


def trace_step(cell: Cell, projected: Tensor, state: State) -> tuple[Program, Weights]:
    """Write down what ``cell.step`` does.

    Args:
        cell: its parameters and buffers become the fixed inputs.
        projected: of one step, ``[B, P]``.
        state: leaves ``[B, ...]``.

    Returns:
        The program, which emits the step's output, and where the fixed inputs come from.

    Raises:
        UntraceableError: why it cannot be written down.
    """
    weights = Weights(cell)
    count = len(weights.tensors())

    def step(*inputs: Tensor) -> list[Tensor]:
        carried = inputs[count + 1 :]
        with weights.replaced(inputs[:count]):
            output, after = cell.step(inputs[count], carried)
        for old, new in zip(carried, after, strict=True):
            if old.shape != new.shape or not new.is_floating_point():
                raise UntraceableError("a leaf of the state changes its shape, or holds no real numbers")
        # Mixed precision makes the new state narrower than the old; a loop needs one type.
        return [*(new.to(old.dtype) for old, new in zip(carried, after, strict=True)), output]

    devices = [projected.device] if projected.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        try:
            _check_autograd(cell, projected.detach(), state)
            with torch.no_grad():
                inputs = [each.detach() for each in (*weights.tensors(), projected, *state)]
                traced = _trace(functionalize(step, remove="mutations"), inputs)
        except Exception as error:
            # Whatever it was, the step as it is written either does it, or fails with an error of its own.
            raise UntraceableError(str(error).partition("\n")[0].partition(". ")[0]) from error
    for node in traced.graph.nodes:
        if node.op == "call_function" and torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
            raise UntraceableError(f"it draws random numbers ({node.target})")
    placeholders = _ends(traced.graph)[0]
    simplify(traced.graph, placeholders[count + 1 :])
    outputs = _ends(traced.graph)[1]
    program = Program(
        root=traced,
        graph=traced.graph,
        fixed=placeholders[:count],
        stepped=[placeholders[count]],
        carried=placeholders[count + 1 :],
        following=outputs[:-1],
        emitted=outputs[-1:],
    )
    return program, weights


def _check_autograd(cell: Cell, projected: Tensor, state: State) -> None:
    """Refuse a step whose derivative is not that of its operators: the graph of them would not show it."""
    if any(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks for module in cell.modules()):
        raise UntraceableError("a module of it has hooks")
    with torch.enable_grad(), _NoSwitching():
        output, after = cell.step(projected.requires_grad_(), tuple(leaf.detach().requires_grad_() for leaf in state))
    waiting = [each.grad_fn for each in (output, *after)]
    seen = set()
    while waiting:
        function = waiting.pop()
        if function is None or function in seen:
            continue
        seen.add(function)
        if isinstance(function, torch.autograd.function.BackwardCFunction):
            raise UntraceableError(f"it has a derivative of its own ({function.name()})")
        waiting.extend(each for each, _ in function.next_functions)


class _NoSwitching(TorchFunctionMode):
    """Refuses ``torch.no_grad()``, which leaves no trace among the operators."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch._C._set_grad_enabled:
            raise UntraceableError("it switches gradients off or on")
        return function(*args, **(kwargs or {}))


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
    # Autograd has done with what it cut off.
    drop(graph, _aten.detach.default, _aten.alias.default)
    placeholders, ends = _ends(graph)
    primals, gradients = placeholders[:count], placeholders[count:]
    cuts = (len(program.fixed), len(program.fixed) + len(program.stepped))
    fixed, stepped, carried = primals[: cuts[0]], primals[cuts[0] : cuts[1]], primals[cuts[1] :]
    made, derived = ends[: len(outputs)], ends[len(outputs) :]
    forward = Program(traced, graph, fixed, stepped, carried, made[: len(carried)], made[len(carried) :])

    # What has no part in the outputs has a gradient like the others: zeros.
    with graph.inserting_before(graph.output_node()):
        for index, node in enumerate([*stepped, *gradients[: len(carried)]], cuts[0]):
            if derived[index] is None:
                derived[index] = graph.call_function(_aten.zeros_like.default, (node,))
    before = ancestors(made) & closure(graph, [*stepped, *carried]) | {*stepped, *carried}
    before |= {node for node in graph.nodes if is_part(node) and node.args[0] in before}
    after = ancestors(_nodes(derived)) - before
    used = {each for node in after for each in node.all_input_nodes} | set(_nodes(derived))
    kept = [node for node in graph.nodes if node in before and node in used]
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


def evaluate(root: nn.Module, graph: fx.Graph, inputs: Values) -> Values:
    """Return the value of each node that follows from the inputs given."""
    interpreter = fx.Interpreter(fx.GraphModule(root, graph), garbage_collect_values=False)
    interpreter.env = values = dict(inputs)
    with torch.no_grad():
        for node in graph.nodes:
            if node.op not in ("placeholder", "output") and all(each in values for each in node.all_input_nodes):
                values[node] = interpreter.run_node(node)
    return values


def is_part(node: fx.Node) -> bool:
    """Tell whether a node takes one value out of a tuple."""
    return node.target is operator.getitem


def is_view(node: fx.Node) -> bool:
    """Tell whether a node shows another's value in another shape."""
    if isinstance(node.target, torch._ops.OpOverload):
        returned = [each.alias_info for each in node.target._schema.returns]
        return any(alias is not None and not alias.is_write for alias in returned)
    return node.target in (operator.getitem, torch.narrow)


def _trace(function: Callable[..., Any], inputs: Sequence[Tensor]) -> fx.GraphModule:
    return make_fx(function)(*inputs)


def _ends(graph: fx.Graph) -> tuple[list[fx.Node], list[Any]]:
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    return placeholders, list(graph.output_node().args[0])  # type: ignore[arg-type]


def _nodes(found: Iterable[fx.Node | None]) -> list[fx.Node]:
    return [node for node in found if node is not None]
