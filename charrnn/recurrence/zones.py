"""Takes a program apart: what is done once, what for all steps at once, and what step by step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, fx

from charrnn.recurrence.program import Program, Values, ancestors, closure, extract, is_part, is_view


class Zones:
    """The zones of a program, by what its nodes depend on and what depends on them.

    * ``once``: on fixed inputs only;
    * ``ahead``: on stepped inputs, but on nothing carried: done for all steps before the loop;
    * ``loop``: on carried inputs, and the next carried values depend on it; and element-wise work ahead of that. What
      such work reads is in the cache there, while a pass over all steps goes through memory: on a processor the second
      costs more than the calls that it saves;
    * ``behind``: on carried inputs, but no carried value depends on it: done for all steps after the loop.

    Args:
        program: is not changed.
        wanted: the nodes whose values are needed; by default the program's outputs.
    """

    def __init__(self, program: Program, wanted: Sequence[fx.Node] | None = None) -> None:
        graph = program.graph
        self.program = program
        self.wanted = list(dict.fromkeys(program.outputs() if wanted is None else wanted))
        needed = ancestors([*self.wanted, *program.following])
        self.varying = closure(graph, [*program.stepped, *program.carried])
        recurrent = closure(graph, program.carried)
        leading = ancestors(program.following)
        sunk = self._sunk([node for node in graph.nodes if node in needed and node not in recurrent], leading)
        self.loop: set[fx.Node] = set()
        self.once: set[fx.Node] = set()
        self.ahead: set[fx.Node] = set()
        self.behind: set[fx.Node] = set()
        for node in graph.nodes:
            if node not in needed or node.op in ("placeholder", "output"):
                continue
            if node not in self.varying:
                zone = self.once
            elif node not in recurrent:
                zone = self.loop if node in sunk else self.ahead
            elif node in leading or (is_part(node) and node.args[0] in self.loop):
                # The parts of a tuple stay with it: only tensors pass from zone to zone.
                zone = self.loop
            else:
                zone = self.behind
            zone.add(node)

    def _sunk(self, nodes: Sequence[fx.Node], leading: set[fx.Node]) -> set[fx.Node]:
        """Choose the element-wise work ahead of the loop that is done in it: no other needs it, nor it any other."""
        work = [node for node in nodes if node in self.varying and node.op != "placeholder"]
        found = {node for node in work if node in leading and _is_cheap(node)}
        while bound := {
            node for rest in work if rest not in found for node in (*rest.all_input_nodes, *rest.users) if node in found
        }:
            found -= bound
        return found

    def inputs_of(self, nodes: set[fx.Node], also: Sequence[fx.Node] = ()) -> list[fx.Node]:
        """Return what is needed from outside by ``nodes``, and those of ``also`` that are not among them."""
        found = [each for node in nodes for each in node.all_input_nodes] + list(also)
        order = {node: index for index, node in enumerate(self.program.graph.nodes)}
        return sorted({node for node in found if node not in nodes}, key=order.__getitem__)

    def loop_inputs(self) -> tuple[list[fx.Node], list[fx.Node]]:
        """Return what the loop needs from outside, but for what is carried: fixed inputs, and stepped ones."""
        inputs = [
            node for node in self.inputs_of(self.loop, self.program.following) if node not in self.program.carried
        ]
        return (
            [node for node in inputs if node not in self.varying],
            [node for node in inputs if node in self.varying],
        )

    def outputs_of(self, nodes: set[fx.Node]) -> list[fx.Node]:
        """Return those of ``nodes`` that are needed outside."""
        outside = {*self.loop, *self.once, *self.ahead, *self.behind} - nodes
        used = {each for node in outside for each in node.all_input_nodes} | {*self.wanted, *self.program.following}
        return [node for node in self.program.graph.nodes if node in nodes and node in used]


class Batched:
    """A zone that is done for all steps at once, or once only."""

    def __init__(self, zones: Zones, nodes: set[fx.Node], wanted: Sequence[fx.Node] | None = None) -> None:
        self.outputs = zones.outputs_of(nodes) if wanted is None else [node for node in wanted if node in nodes]
        inner = ancestors(self.outputs) & nodes
        self.inputs = zones.inputs_of(inner)
        self._in_dims = tuple(0 if node in zones.varying else None for node in self.inputs)
        graph, _ = extract(zones.program.graph, self.inputs, self.outputs)
        self._function = fx.GraphModule(zones.program.root, graph).forward

    def run(self, values: Values) -> None:
        """Add the values of the zone's outputs, each ``[T, ...]`` where it varies, to those of its inputs."""
        if not self.outputs:
            return
        given = [values[node] for node in self.inputs]
        run = torch.vmap(self._function, self._in_dims) if 0 in self._in_dims else self._function
        found = run(*given)
        values.update(zip(self.outputs, found, strict=True))

    def once(self, values: Values) -> Sequence[Tensor]:
        """Return the outputs of one step, from inputs of one step."""
        return self._function(*(values[node] for node in self.inputs))  # type: ignore[no-any-return]

    def step(self, values: Values, step: int) -> Sequence[Tensor]:
        """Return the outputs of one step, from inputs of all."""
        given = [
            values[node] if dim is None else values[node][step]
            for node, dim in zip(self.inputs, self._in_dims, strict=True)
        ]
        return self._function(*given)  # type: ignore[no-any-return]


def _is_cheap(node: fx.Node) -> bool:
    return is_part(node) or is_view(node) or torch.Tag.pointwise in getattr(node.target, "tags", ())
