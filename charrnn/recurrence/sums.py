"""Sums over the steps: how the gradient of what is the same at each step is gathered.

The gradient of a recurrent weight is a sum over time of products; that is one product, in which time is one more
dimension of the batch: ``sum_t A_t B_t = [A_1 A_2 ...] [B_1; B_2; ...]``. What lies between the product and the
weight, such as a transposition, is linear, and done once after the sum.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, fx

from charrnn.recurrence.products import multiply
from charrnn.recurrence.program import Values

_aten = torch.ops.aten
_LINEAR = (
    _aten.t.default,
    _aten.transpose.int,
    _aten.permute.default,
    _aten.view.default,
    _aten._unsafe_view.default,
    _aten.unsqueeze.default,
    _aten.squeeze.dim,
    _aten.neg.default,
)


class Sum:
    """The sum over time of a node's value.

    Args:
        node: emitted by no loop.
        varying: the nodes that differ from step to step.

    Attributes:
        operands: nodes whose values at all steps it is made of.
        rest: nodes that no rule holds for, which are left to who runs the sum.
    """

    def __init__(self, node: fx.Node, varying: set[fx.Node]) -> None:
        self.operands: list[fx.Node] = []
        self.rest: list[fx.Node] = []
        self._varying = varying
        self._evaluate = self._plan(node)

    def run(self, values: Values, rest: Callable[[fx.Node], Tensor], steps: int) -> Tensor:
        """Return the sum.

        Args:
            values: of the operands, ``[T, ...]`` where they vary.
            rest: sums a node that no rule holds for.
            steps: ``T``.
        """
        return self._evaluate(values, rest, steps)

    def _plan(self, node: fx.Node) -> Callable[[Values, Callable[[fx.Node], Tensor], int], Tensor]:
        target, arguments = node.target, node.args
        if node not in self._varying:
            self.operands.append(node)
            return lambda values, _, steps: values[node] * steps
        if target in (_aten.mm.default, _aten.bmm.default):
            left, right = arguments
            assert isinstance(left, fx.Node)
            assert isinstance(right, fx.Node)
            self.operands += [left, right]
            return lambda values, _, steps: self._product(values, left, right, steps)
        if target in _LINEAR:
            inner = self._plan(arguments[0])  # type: ignore[arg-type]
            return lambda *given: target(inner(*given), *arguments[1:])
        if target is _aten.add.Tensor and all(isinstance(each, fx.Node) for each in arguments) and not node.kwargs:
            first, second = (self._plan(each) for each in arguments)  # type: ignore[arg-type]
            return lambda *given: first(*given) + second(*given)
        if target is _aten.sum.dim_IntList and arguments[0] in self._varying:
            source, dims, *keep = arguments
            assert isinstance(source, fx.Node)
            assert isinstance(dims, list | tuple)
            self.operands.append(source)
            within = [dim + 1 if dim >= 0 else dim for dim in dims]  # type: ignore[operator]
            keepdim = bool(keep and keep[0])

            def total(values: Values, _: object, __: int) -> Tensor:
                if not keepdim:
                    return values[source].sum([0, *within])  # type: ignore[no-any-return]
                return values[source].sum([0, *within], keepdim=True).squeeze(0)  # type: ignore[no-any-return]

            return total
        self.rest.append(node)
        return lambda _, rest, __: rest(node)

    def _product(self, values: Values, left: fx.Node, right: fx.Node, steps: int) -> Tensor:
        a, b = (
            values[node] if node in self._varying else values[node].expand(steps, *values[node].shape)
            for node in (left, right)
        )
        return multiply(a.movedim(0, -2).flatten(-2), b.movedim(0, -3).flatten(-3, -2))
