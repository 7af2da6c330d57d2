"""The way in: a cell, its inputs, a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from charrnn.recurrence.compiler import current_compiler
from charrnn.recurrence.linear import QuickProducts
from charrnn.recurrence.plan import Plan
from charrnn.recurrence.trace import UntraceableError, has_hooks, undisturbed

if TYPE_CHECKING:
    from charrnn.cells.base import Cell, State

#: Without gradients, a plan pays for itself from so many steps on.
_LONG = 512

_plans: WeakKeyDictionary[nn.Module, dict[Any, Plan | str]] = WeakKeyDictionary()


def unroll(cell: Cell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Apply ``cell`` to each time step in order.

    Args:
        cell: what advances one step.
        inputs: ``[T, B, I]``, ``T`` at least 1.
        state: leaves ``[B, ...]``.

    Returns:
        Outputs ``[T, B, H]`` and the state after the last step.
    """
    with QuickProducts():
        projected = cell.project(inputs)
    if len(projected) >= (2 if torch.is_grad_enabled() else _LONG):
        plan = _plan(cell, projected, state)
        if not isinstance(plan, str):
            try:
                return plan.run(projected, state)
            except UntraceableError as error:
                _plans[cell] = dict.fromkeys(_plans[cell], str(error))
    return step_by_step(cell, projected, state)


def step_by_step(cell: Cell, projected: Tensor, state: State) -> tuple[Tensor, State]:
    """Call ``cell.step`` once a step, under torch's autograd: what :func:`unroll` equals."""
    outputs = []
    for each in projected.unbind(0):
        output, state = cell.step(each, state)
        outputs.append(output)
    return torch.stack(outputs), state


def explain(cell: Cell, inputs: Tensor, state: State) -> str | None:
    """Say why a cell has to run step by step, at half the speed or less; None where it does not have to."""
    plan = _plan(cell, cell.project(inputs), state)
    return plan if isinstance(plan, str) else None


def _plan(cell: Cell, projected: Tensor, state: State) -> Plan | str:
    compiler = current_compiler()
    plans = _plans.setdefault(cell, {})
    key = (compiler, _key(cell, projected, state))
    if key not in plans:
        try:
            with undisturbed():
                plans[key] = Plan(cell, projected, state, compiler)
        except UntraceableError as error:
            plans[key] = str(error)
    return plans[key]


def _key(cell: Cell, projected: Tensor, state: State) -> Any:
    """Return all that a plan depends on, but for the values of parameters and buffers."""
    tensors = tuple((each.shape, each.dtype, each.device) for each in (projected[0], *state))
    attributes = tuple(
        (name, value)
        for module in cell.modules()
        for name, value in vars(module).items()
        if isinstance(value, int | float | str | bool | None)
    )
    hooks = any(has_hooks(module) for module in cell.modules())
    autocast = (torch.is_autocast_enabled(projected.device.type), torch.get_autocast_dtype(projected.device.type))
    return tensors, attributes, hooks, autocast
