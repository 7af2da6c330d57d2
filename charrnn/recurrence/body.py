"""The body of a loop: the graph of a step, made to allocate next to nothing and to call next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from charrnn.recurrence.products import product, serves
from charrnn.recurrence.program import Values, evaluate, extract, is_view

_aten = torch.ops.aten
# Their kernels call a vector library once a row where rows are apart: a copy first is far cheaper.
_SLOW_ON_SLICES = (_aten.tanh.default, _aten.exp.default, _aten.log.default, _aten.erf.default)


@dataclass
class Body:
    """What one turn of a loop does, and what it works in.

    Attributes:
        scratch: examples of the tensors that every turn uses anew.
        fixed_views: makes views of those, once a loop.
        row_views: makes views of what a turn has of its own: stepped inputs and rows.
        turn: takes scratch, fixed views, fixed inputs, carried inputs, stepped inputs, rows and their views; returns
            the next carried values.
        packed: indices of the fixed inputs that are taken packed, and how many rows are multiplied with each.
    """

    scratch: list[Tensor]
    fixed_views: Callable[..., Sequence[Tensor]]
    row_views: Callable[..., Sequence[Tensor]] | None
    turn: Callable[..., Sequence[Tensor]]
    packed: dict[int, int]


class Composer:
    """Turns the graph of a step into a loop's body.

    Every value gets a home to be written into: its row, if it is needed after the loop; a part of another's home, if
    it is to be concatenated; else scratch. What stays in its place can be sliced once and for all.

    Args:
        root: holds the graph's constants.
        graph: of one step; changed.
        inputs: an example of each input.
        stepped: how many of them, at the end, are of one step.
        following: the carried values after the step.
        histories: indices of those that have a row.
        rows: further nodes that have a row.
    """

    def __init__(
        self,
        root: nn.Module,
        graph: fx.Graph,
        inputs: Sequence[Tensor],
        stepped: int,
        following: Sequence[fx.Node],
        histories: Sequence[int],
        rows: Sequence[fx.Node],
    ) -> None:
        self._root, self._graph, self._stepped = root, graph, stepped
        self._inputs = [node for node in graph.nodes if node.op == "placeholder"]
        examples = dict(zip(self._inputs, inputs, strict=True))
        self._values: Values = evaluate(root, graph, examples)
        self._following = list(following)
        self._homes: dict[fx.Node, fx.Node] = {}
        self._writers: dict[fx.Node, tuple[Any, str]] = {}
        self._scratch: list[fx.Node] = []
        self._rows: list[fx.Node] = []
        self._last = self._inputs[-1]
        self._copy_slices()
        self._fuse()
        self._values = evaluate(root, graph, examples)  # fused operators round in another way
        self._bind()
        self._packed = self._pack()
        for index in histories:
            self._give_row(self._following[index], index)
        for node in rows:
            self._give_row(node)
        self._pinned = self._carried_bases()
        for node in list(graph.nodes):
            if node.target in (_aten.cat.default, torch.cat):
                self._scatter(node)
        for node in list(graph.nodes):
            self._give_scratch(node)
        for node, home in self._homes.items():
            node.target, name = self._writers[node]
            node.kwargs = {**node.kwargs, name: home}
            for user in [each for each in node.users if each is not node]:
                user.replace_input_with(node, home)
            self._following = [home if each is node else each for each in self._following]

    def compose(self) -> Body:
        """Return the body."""
        graph = self._graph
        graph.erase_node(graph.output_node())
        scratch, rows = set(self._scratch), set(self._rows)
        fixed_views = self._views(scratch)
        stepped_inputs = self._inputs[len(self._inputs) - self._stepped :]
        stepped = set(stepped_inputs)
        row_views = [node for node in self._views(scratch | rows | stepped) if node not in fixed_views]
        fixed_used, row_used = self._tensors(fixed_views), self._tensors(row_views)
        order = [*self._scratch, *fixed_used, *self._inputs, *self._rows, *row_used]
        body, copies = fx.Graph(), {}
        for index, node in enumerate(order):
            copies[node] = body.placeholder(f"input_{index}")
        views = {*fixed_views, *row_views}
        for node in graph.nodes:
            if node not in copies and node not in views:
                copies[node] = body.node_copy(node, copies.__getitem__)
        body.output(tuple(copies[node] for node in self._following))
        return Body(
            [self._values[node] for node in self._scratch],
            self._function(self._scratch, fixed_used),
            self._function([*self._scratch, *stepped_inputs, *self._rows], row_used) if row_used else None,
            fx.GraphModule(self._root, body).forward,
            {index: self._packed[node] for index, node in enumerate(self._inputs) if node in self._packed},
        )

    def _copy_slices(self) -> None:
        for node in list(self._graph.nodes):
            if node.target in _SLOW_ON_SLICES and not self._values[node.args[0]].is_contiguous():
                with self._graph.inserting_before(node):
                    copy = self._graph.call_function(torch.mul, (node.args[0], 1))
                self._values[copy] = self._values[node.args[0]].contiguous()
                node.args = (copy,)

    def _fuse(self) -> None:
        """``a + b * c`` and ``a + (-b)`` are one operator each."""
        for node in list(self._graph.nodes):
            if node.target is not _aten.add.Tensor or node.kwargs:
                continue
            for inner, other in (node.args, node.args[::-1]):
                if not isinstance(inner, fx.Node) or not isinstance(other, fx.Node) or len(inner.users) > 1:
                    continue
                if inner.target is _aten.neg.default:
                    node.target, node.args = _aten.sub.Tensor, (other, inner.args[0])
                elif inner.target is _aten.mul.Tensor and all(isinstance(each, fx.Node) for each in inner.args):
                    node.target, node.args = _aten.addcmul.default, (other, *inner.args)
                else:
                    continue
                self._graph.erase_node(inner)
                break

    def _bind(self) -> None:
        """Use torch's own functions, which are called in half the time that a bare operator takes."""
        self._origins = {
            node: node.target for node in self._graph.nodes if isinstance(node.target, torch._ops.OpOverload)
        }
        for node in self._origins:
            if not is_view(node):
                binding = getattr(torch, node.target.overloadpacket.__name__, None)
                if binding is not None and self._does(binding, node):
                    node.target = binding

    def _pack(self) -> dict[fx.Node, int]:
        """Multiply with packed weights, where all uses of an input allow it."""
        found = {}
        for weight in self._inputs:
            users = [user for user in weight.users if user.op != "output"]
            sides = [self._values[user.args[0]] for user in users if user.target is torch.mm and user.args[1] is weight]
            if not sides or len(sides) < len(weight.users) or len({len(side) for side in sides}) > 1:
                continue
            if all(serves(side, self._values[weight]) for side in sides):
                found[weight] = len(sides[0])
                for user in users:
                    user.target = product
        return found

    def _give_row(self, node: fx.Node, index: int | None = None) -> None:
        row = self._placeholder(self._rows, node)
        if self._can_write(node, self._values[node]):
            self._homes[node] = row
            return
        with self._graph.inserting_after(node if node.op == "call_function" else self._last):
            written = self._graph.call_method("copy_", (row, node))
        if index is not None:
            self._following[index] = written

    def _scatter(self, node: fx.Node) -> None:
        """Let what is to be concatenated be written in its place."""
        if node in self._pinned and node not in self._homes:
            return
        parts, dim = node.args[0], node.args[1] if len(node.args) > 1 else 0
        base = self._homes.pop(node, None) or self._placeholder(self._scratch, node)
        start = 0
        for part in cast("list[fx.Node]", parts):
            size = self._values[part].shape[dim]
            with self._graph.inserting_after(self._last):
                place = self._graph.call_function(torch.narrow, (base, dim, start, size))
            start += size
            where = self._values[node].narrow(dim, start - size, size)
            if part not in self._pinned and self._can_write(part, where):
                self._homes[part] = place
            else:
                with self._graph.inserting_before(node):
                    self._graph.call_method("copy_", (place, part))
        node.replace_all_uses_with(base)
        self._following = [base if each is node else each for each in self._following]
        self._graph.erase_node(node)

    def _give_scratch(self, node: fx.Node) -> None:
        if node not in self._pinned and not is_view(node) and self._can_write(node, self._values.get(node)):
            self._homes[node] = self._placeholder(self._scratch, node)

    def _carried_bases(self) -> set[fx.Node]:
        """Return the carried values and what they are views of: they outlive the turn, which scratch does not."""
        found = set()
        for node in self._following:
            while node not in found:
                found.add(node)
                if is_view(node):
                    node = node.all_input_nodes[0]
        return found

    def _placeholder(self, kind: list[fx.Node], like: fx.Node) -> fx.Node:
        with self._graph.inserting_after(self._last):
            home: fx.Node = self._graph.placeholder(f"home_{len(self._rows)}_{len(self._scratch)}")
        self._last = home
        self._values[home] = self._values[like]
        kind.append(home)
        return home

    def _can_write(self, node: fx.Node, where: Any) -> bool:
        """Tell whether a node's function can write into a tensor that is there."""
        if node in self._homes or node.op != "call_function" or not isinstance(where, Tensor):
            return False
        into = torch.empty_strided(where.shape, where.stride(), dtype=where.dtype, device=where.device)
        if node.target is product:
            return False
        for function, name in [(node.target, "out"), *_writing_overloads(self._origins.get(node))]:
            if self._does(function, node, **{name: into}):
                self._writers[node] = function, name
                return True
        return False

    def _does(self, function: Any, node: fx.Node, **named: Tensor) -> bool:
        """Find out by trying whether a function does on the node's example what the node does."""
        expected = self._values.get(node)
        if not isinstance(expected, Tensor):
            return False
        arguments = fx.node.map_arg(node.args, self._values.__getitem__)
        try:
            found = function(*arguments, **node.kwargs, **named)
        except (TypeError, RuntimeError):
            return False
        return isinstance(found, Tensor) and found.dtype == expected.dtype and _equal(found, expected)

    def _views(self, sources: Iterable[fx.Node]) -> list[fx.Node]:
        """Return the views of ``sources`` and of nothing else, and the parts of their tuples."""
        known = set(sources)
        found = []
        for node in self._graph.nodes:
            if is_view(node) and node.all_input_nodes and all(each in known for each in node.all_input_nodes):
                known.add(node)
                found.append(node)
        return found

    def _tensors(self, views: Sequence[fx.Node]) -> list[fx.Node]:
        return [node for node in views if any(user not in views for user in node.users) or node in self._following]

    def _function(self, inputs: Sequence[fx.Node], outputs: Sequence[fx.Node]) -> Callable[..., Sequence[Tensor]]:
        graph, _ = extract(self._graph, inputs, outputs)
        return fx.GraphModule(self._root, graph).forward


def _writing_overloads(operator: torch._ops.OpOverload | None) -> Iterator[tuple[Callable[..., Any], str]]:
    """Give the forms of an operator that write into a tensor, and what they call it."""
    packet = operator.overloadpacket if operator else None
    for name in packet.overloads() if packet else ():
        overload = getattr(packet, name)
        written = [each.name for each in overload._schema.arguments if each.is_out]
        if len(written) == 1:
            yield overload, written[0]


def _equal(found: Tensor, expected: Tensor) -> bool:
    return found.shape == expected.shape and bool(torch.isclose(found, expected, rtol=0, atol=0, equal_nan=True).all())
