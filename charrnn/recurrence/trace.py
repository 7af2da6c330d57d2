"""Writes down what a cell's step does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functionalize
from torch.overrides import TorchFunctionMode

from charrnn.errors import raise_interruption
from charrnn.recurrence.program import Program, ends, make_graph
from charrnn.recurrence.simplify import simplify

if TYPE_CHECKING:
    from charrnn.cells.base import Cell, State


class UntraceableError(Exception):
    """A step is no fixed graph of operators; it has to run as it is written."""


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

    # Copies: what was made in inference mode has no gradient, and a step might write to what it is given.
    values = [each.detach().clone() for each in weights.tensors()]
    projected, *leaves = (each.detach().clone() for each in (projected, *state))
    with told_apart():
        with weights.replaced(values):
            _check_autograd(cell, projected, leaves)
        with torch.no_grad():
            inputs = [each.detach() for each in (*values, projected, *leaves)]
            traced = make_graph(functionalize(step, remove="mutations"), *inputs)
    for node in traced.graph.nodes:
        if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
            raise UntraceableError(f"it draws random numbers ({node.target})")
        if node.target is torch.ops.aten.copy_.default:
            raise UntraceableError("it changes its inputs, weights or buffers")
    placeholders = ends(traced.graph)[0]
    simplify(traced.graph, placeholders[count + 1 :])
    outputs = ends(traced.graph)[1]
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


def has_hooks(module: nn.Module) -> bool:
    """Tell whether somebody wants to be called when a module is."""
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn any error into one that says that a plan cannot be made.

    Whatever it was, the step as it is written either does it, or fails with an error of its own.
    """
    try:
        yield
    except Exception as error:
        raise_interruption(error)
        raise UntraceableError(str(error).partition("\n")[0].partition(". ")[0]) from error


def _check_autograd(cell: Cell, projected: Tensor, state: Sequence[Tensor]) -> None:
    """Refuse a step whose derivative is not that of its operators: the graph of them would not show it."""
    if any(has_hooks(module) for module in cell.modules()):
        raise UntraceableError("a module of it has hooks")
    with torch.enable_grad(), _NoSwitching():
        output, after = cell.step(projected.requires_grad_(), tuple(leaf.requires_grad_() for leaf in state))
    waiting: list[Any] = [each.grad_fn for each in (output, *after)]
    seen: set[Any] = set()
    while waiting:
        function = waiting.pop()
        if function is None or function in seen:
            continue
        seen.add(function)
        if isinstance(function, torch.autograd.function.BackwardCFunction):
            raise UntraceableError(f"it has a derivative of its own ({type(function).__name__})")
        waiting.extend(each for each, _ in function.next_functions)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let what is tried out in planning go unseen.

    By those who watch what is saved for the backward pass, as recomputation does, and by the random generators.
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    unseen = saved_tensors_hooks(lambda value: value, lambda value: value)
    with torch.inference_mode(mode=False), unseen, torch.random.fork_rng(devices):
        yield


class _NoSwitching(TorchFunctionMode):
    """Refuses ``torch.no_grad()``, which leaves no trace among the operators."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch._C._set_grad_enabled:
            raise UntraceableError("it switches gradients off or on")
        return function(*args, **(kwargs or {}))
