"""Linear recurrences, whose steps need no product with a matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from charrnn.recurrence.derivative import refuse_second


def linear_scan(decay: Tensor, inputs: Tensor, initial: Tensor) -> Tensor:
    r"""Return ``h_t = a_t * h_{t-1} + b_t`` for all ``t``, element by element.

    A cell whose gates depend on the inputs only, and not on the state, is such a recurrence: minGRU (Feng et al. 2024,
    "Were RNNs All We Needed?", section 3.1), the linear recurrent unit, and others. It is computed as it stands,
    without logarithms, so that ``a`` and ``b`` may have any sign and be 0. With ``g_t`` the gradient of ``h_t`` from
    outside, the gradients are those of the same recurrence backwards in time::

        d_t = g_t + conj(a_{t+1}) * d_{t+1}        of b_t
        d_t * conj(h_{t-1})                        of a_t

    On a processor the steps are taken one after the other, which reads and writes each number once; on other devices,
    where it is the number of steps that costs, all are taken at once in ``log2 T`` rounds (Hillis and Steele 1986).

    Args:
        decay: ``a``, ``[T, B, ...]``, or of a shape that broadcasts to it.
        inputs: ``b``, ``[T, B, ...]``, of any floating or complex type; ``T`` at least 1.
        initial: ``h_0``, ``[B, ...]``.

    Returns:
        ``h``, ``[T, B, ...]``.

    Raises:
        RuntimeError: a second derivative is asked for, or the shapes do not fit.
    """
    shape = torch.broadcast_tensors(decay, inputs, initial)[0].shape  # type: ignore[no-untyped-call]  # torch has no types for it
    found: Tensor = _Scan.apply(  # type: ignore[no-untyped-call]  # torch has no types for it
        decay.expand(shape), inputs.expand(shape), initial.expand(shape[1:])
    )
    return found


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decay: Tensor, inputs: Tensor, initial: Tensor) -> Tensor:
        history = _scan(decay, inputs, initial)
        ctx.save_for_backward(decay, history)
        return history[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second()
        decay, history = (each.conj() for each in ctx.saved_tensors)
        gradient = gradients[0]
        found = _scan(decay[1:], gradient[:-1], gradient[-1], reverse=True)
        needs_decay, _, needs_initial = ctx.needs_input_grad
        of_decay = found * history[:-1] if needs_decay else None
        return of_decay, found, decay[0] * found[0] if needs_initial else None


def _scan(decay: Tensor, inputs: Tensor, initial: Tensor, *, reverse: bool = False) -> Tensor:
    """Run over time, or backwards; returns ``T + 1`` rows, of which the first, or the last, is ``initial``."""
    run = _one_by_one if inputs.device.type == "cpu" else _all_at_once
    return run(decay, inputs, initial, reverse=reverse)


def _one_by_one(decay: Tensor, inputs: Tensor, initial: Tensor, *, reverse: bool) -> Tensor:
    history = initial.new_empty((len(inputs) + 1, *initial.shape))
    history[-1 if reverse else 0] = initial
    columns = [decay.unbind(0), inputs.unbind(0), (history[:-1] if reverse else history[1:]).unbind(0)]
    if reverse:
        columns = [column[::-1] for column in columns]
    last = initial
    for factor, term, row in zip(*columns, strict=True):
        last = torch.addcmul(term, factor, last, out=row)
    return history


def _all_at_once(decay: Tensor, inputs: Tensor, initial: Tensor, *, reverse: bool) -> Tensor:
    """After round ``k`` each row sums up ``2^k`` steps; two such rows are joined by one more product and sum."""
    if reverse:
        return _all_at_once(decay.flip(0), inputs.flip(0), initial, reverse=False).flip(0)
    hidden = torch.cat([initial.unsqueeze(0), inputs])
    decay = torch.cat([torch.zeros_like(initial).unsqueeze(0), decay])
    reach = 1
    while reach < len(hidden):
        hidden = torch.cat([hidden[:reach], torch.addcmul(hidden[reach:], decay[reach:], hidden[:-reach])])
        decay = torch.cat([decay[:reach], decay[reach:] * decay[:-reach]])
        reach *= 2
    return hidden
