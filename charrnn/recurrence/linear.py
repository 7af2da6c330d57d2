"""``torch.nn.functional.linear`` by faster products."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from charrnn.recurrence.products import affine, multiply, serves

#: A weight that is multiplied with fewer rows costs as much to bring into oneDNN's order as the product.
ROWS = 64


def linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``W x + b``: ``[..., I]`` and ``[O, I]`` to ``[..., O]``."""
    few = inputs.numel() < ROWS * weight.shape[1]
    if few or torch.is_autocast_enabled(inputs.device.type) or not serves(inputs, weight.t()):
        return functional.linear(inputs, weight, bias)
    result: Tensor = _Linear.apply(inputs, weight, bias)  # type: ignore[no-untyped-call]  # torch has no types for it
    return result


class QuickProducts(TorchFunctionMode):
    """Lets all code within it, such as a plugin's, have that for ``functional.linear`` and ``nn.Linear``."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is functional.linear:
            return linear(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return affine(inputs, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        gradient = gradients[0].flatten(0, -2)
        of_inputs, of_weight, of_bias = ctx.needs_input_grad
        return (
            multiply(gradient, weight).view_as(inputs) if of_inputs else None,
            multiply(gradient.t(), inputs.flatten(0, -2)) if of_weight else None,
            gradient.sum(0) if of_bias else None,
        )
