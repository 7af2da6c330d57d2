"""Rewrites a graph so that less of it has to be done step by step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import fx

from charrnn.recurrence.program import closure

_aten = torch.ops.aten


def simplify(graph: fx.Graph, carried: Sequence[fx.Node]) -> None:
    """Take out what does nothing, and take products and sums apart.

    Args:
        graph: changed in place.
        carried: its inputs that the step before made.
    """
    drop(graph, _aten.clone.default)
    _split_addmm(graph, closure(graph, carried))
    graph.eliminate_dead_code()


def drop(graph: fx.Graph, *targets: torch._ops.OpOverload) -> None:
    """Remove operators that give what they are given: nothing within a graph is changed in place."""
    for node in list(graph.nodes):
        if node.target in targets and not node.kwargs:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)


def _split_addmm(graph: fx.Graph, recurrent: set[fx.Node]) -> None:
    """Part ``b + x W`` in two where only the product recurs."""
    for node in list(graph.nodes):
        if node.target is _aten.addmm.default and not node.kwargs and node in recurrent:
            bias, left, right = node.args
            if bias not in recurrent:
                with graph.inserting_before(node):
                    product = graph.call_function(_aten.mm.default, (left, right))
                    total = graph.call_function(_aten.add.Tensor, (bias, product))
                node.replace_all_uses_with(total)
                graph.erase_node(node)
