"""Products of matrices, by the library that is the fastest at them.

torch multiplies by MKL, which leaves the widest instructions of processors other than Intel's unused, and takes twice
as long there as oneDNN. torch has the functions of that too, which its compiler uses; where they are not there, the
product is torch's.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Multiplications for which oneDNN's work of some ten microseconds a call pays.
_LEAST = 1 << 20


def serves(left: Tensor, right: Tensor) -> bool:
    """Tell whether ``left [..., K] @ right [K, N]`` is one for oneDNN."""
    return (
        left.dtype == right.dtype == torch.float32
        and left.device.type == right.device.type == "cpu"
        and right.dim() == 2
        and left.numel() * right.shape[1] >= _LEAST
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch has no types for it
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def pack(weight: Tensor, rows: int) -> Tensor:
    """Bring ``weight [K, N]`` into oneDNN's order once, for many a left side of ``rows`` rows."""
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.t().contiguous(), rows)
    return packed


def product(left: Tensor, packed: Tensor) -> Tensor:
    """Return ``left [M, K] @ weight [K, N]``."""
    return affine(left, packed, None)


def affine(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``W x + b``: ``[..., K]`` and ``[N, K]`` to ``[..., N]``; no gradient is kept."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
    return result


def multiply(left: Tensor, right: Tensor) -> Tensor:
    """Return ``left [M, K] @ right [K, N]``, or a batch of such; where gradients are kept, by torch."""
    if torch.is_grad_enabled() or not serves(left, right):
        return left @ right
    if right.shape[1] < left.shape[0]:  # oneDNN wants the longer side there
        return affine(right.t(), left, None).t()
    return affine(left, right.t(), None)
