"""One time step as a program: a graph of torch's operators that can be taken apart."""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

Values = dict[fx.Node, Any]


def make_graph(function: Callable[..., Any], *inputs: Tensor) -> fx.GraphModule:
    """Write down what a function does to tensors like these."""
    # It brings sympy, which takes half a second: generation steps as it is written, and needs no graph.
    from torch.fx.experimental.proxy_tensor import make_fx

    graph: fx.GraphModule = make_fx(function)(*inputs)
    return graph


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


def closure(graph: fx.Graph, sources: Iterable[fx.Node]) -> set[fx.Node]:
    """Return the nodes that depend on any of ``sources``, with those."""
    found = set(sources)
    for node in graph.nodes:
        if any(each in found for each in node.all_input_nodes):
            found.add(node)
    return found


def ancestors(nodes: Iterable[fx.Node], known: Container[fx.Node] = ()) -> set[fx.Node]:
    """Return what any of ``nodes`` depends on, with those, but for what is ``known`` and what only leads there."""
    found: set[fx.Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node not in found and node not in known:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found


def extract(
    graph: fx.Graph, inputs: Sequence[fx.Node], outputs: Sequence[fx.Node]
) -> tuple[fx.Graph, dict[fx.Node, fx.Node]]:
    """Copy the part of a graph that leads from ``inputs`` to ``outputs``; returns it and each node's copy."""
    part = fx.Graph()
    copies = {node: part.placeholder(f"input_{index}") for index, node in enumerate(inputs)}
    needed = ancestors(outputs, known=copies)
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


def ends(graph: fx.Graph) -> tuple[list[fx.Node], list[Any]]:
    """Return the inputs and the outputs of a graph."""
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    return placeholders, list(graph.output_node().args[0])  # type: ignore[arg-type]
