"""What has to be done step by step, with as little around it as there can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx

from charrnn.recurrence.body import Composer
from charrnn.recurrence.compiler import Chunks, Compiler
from charrnn.recurrence.products import pack
from charrnn.recurrence.program import Values, evaluate, extract
from charrnn.recurrence.zones import Zones

_aten = torch.ops.aten
_PRODUCTS = (_aten.mm.default, _aten.bmm.default)


class Loop:
    """Runs the recurrent zone of a program over time.

    Each emitted value goes into its row of one ``[T, ...]`` tensor, written there by its operator where torch lets it.
    A carried value that is needed at each step goes into a history of ``T + 1`` rows, the first value at its end.

    Args:
        zones: of the program.
        emitted: nodes of the loop, or carried inputs, whose values are needed at each step.
        examples: a value of each input of the zone, of one step.
        reverse: whether time runs backwards.
        compiler: compiles several turns together, where it can.
    """

    def __init__(
        self,
        zones: Zones,
        emitted: Sequence[fx.Node],
        examples: Values,
        *,
        reverse: bool = False,
        compiler: Compiler | None = None,
    ) -> None:
        program = zones.program
        self._reverse = reverse
        self._carried, self._following = program.carried, program.following
        self._fixed, self._stepped = zones.loop_inputs()
        self._operands = {
            node for node in self._fixed if any(user.target in _PRODUCTS and user in zones.loop for user in node.users)
        }
        self._histories = [
            index
            for index, (old, new) in enumerate(zip(program.carried, program.following, strict=True))
            if old in emitted or (new in emitted and new in zones.loop and new not in program.following[:index])
        ]
        kept = {program.following[index] for index in self._histories}
        rows = [node for node in emitted if node in zones.loop and node not in kept]
        self._in_loop = zones.loop

        inputs = [*self._fixed, *self._carried, *self._stepped]
        given = [examples[node] for node in inputs]
        graph, copies = extract(program.graph, inputs, [*self._following, *rows])
        values = evaluate(program.root, graph, {copies[node]: examples[node] for node in inputs})
        like = {node: values[copy] for node, copy in copies.items()}
        self._parts = _parts(rows, like)
        self._rows = [node for node in rows if node not in self._parts]
        self._like = {node: like[node] for node in self._rows}
        written = [*(self._following[index] for index in self._histories), *self._rows]
        plain, _ = extract(program.graph, inputs, [*self._following, *written])
        self._chunks = (
            None
            if compiler is None
            else Chunks(
                compiler,
                fx.GraphModule(program.root, plain).forward,
                len(self._fixed),
                len(self._carried),
                len(written),
            )
        )
        self._body = Composer(
            program.root,
            graph,
            given,
            len(self._stepped),
            following=[copies[node] for node in self._following],
            histories=self._histories,
            rows=[copies[node] for node in self._rows],
        ).compose()

    def run(self, values: Values, steps: int) -> list[Tensor]:
        """Run over all steps.

        Args:
            values: of the zone's inputs, ``[T, ...]`` where they are stepped; those of the emitted nodes are added.
            steps: ``T``.

        Returns:
            The last carried values.
        """
        carried: Sequence[Tensor] = [values[node] for node in self._carried]
        buffers = []
        for index in self._histories:
            first, old, new = carried[index], self._carried[index], self._following[index]
            history = first.new_empty((steps + 1, *first.shape))
            history[-1 if self._reverse else 0] = first
            before, after = (history[1:], history[:-1]) if self._reverse else (history[:-1], history[1:])
            values[old] = before
            if new in self._in_loop:
                values[new] = after
            buffers.append(after)
        for node in self._rows:
            like = self._like[node]
            values[node] = like.new_empty((steps, *like.shape))
            buffers.append(values[node])
        done = 0
        if self._chunks is not None:
            fixed = [values[node].contiguous() for node in self._fixed]
            rows = self._rows_of([*(values[node] for node in self._stepped), *buffers])
            carried, done = self._chunks.run(fixed, carried, rows, steps)
        if done < steps:
            carried = self._turn(values, carried, buffers, done, steps)
        for node, (whole, start, size) in self._parts.items():
            values[node] = values[whole].narrow(-1, start, size)
        return list(carried)

    def _turn(
        self, values: Values, carried: Sequence[Tensor], buffers: Sequence[Tensor], done: int, steps: int
    ) -> Sequence[Tensor]:
        """Run the steps that are not done yet, one by one."""
        body = self._body
        scratch = [torch.empty_like(each) for each in body.scratch]
        columns = [*(values[node] for node in self._stepped), *buffers]
        if body.row_views is not None:
            dims = (None,) * len(scratch) + (0,) * len(columns)
            columns += torch.vmap(body.row_views, dims)(*scratch, *columns)
        fixed: list[Any] = [values[node] for node in self._fixed]
        for index, node in enumerate(self._fixed):
            if index in body.packed:
                fixed[index] = pack(fixed[index], body.packed[index])
            elif node in self._operands:
                fixed[index] = fixed[index].contiguous()
        turn, steady = body.turn, (*scratch, *body.fixed_views(*scratch), *fixed)
        rows = [each[done:] for each in self._rows_of(columns)]
        for row in zip(*rows, strict=True) if rows else [()] * (steps - done):
            carried = turn(*steady, *carried, *row)
        return carried

    def _rows_of(self, columns: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        """Return the rows of each column in the order of the turns."""
        rows = [each.unbind(0) for each in columns]
        return [each[::-1] for each in rows] if self._reverse else rows


def _parts(rows: Sequence[fx.Node], like: Values) -> dict[fx.Node, tuple[fx.Node, int, int]]:
    """Return which of ``rows`` are parts of others: the concatenation of features that each is in, and where."""
    found: dict[fx.Node, tuple[fx.Node, int, int]] = {}
    for whole in rows:
        if whole.target is _aten.cat.default and whole.args[1:] in ((-1,), (like[whole].dim() - 1,)):
            start = 0
            for part in whole.args[0]:  # type: ignore[union-attr]
                size = like[part].shape[-1]  # type: ignore[index]
                if part in rows:
                    found[part] = (whole, start, size)  # type: ignore[index]
                start += size
    return found
