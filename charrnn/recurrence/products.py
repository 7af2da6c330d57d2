"""The matrix product of the recurrence: one weight, many times.

A library that multiplies matrices first puts each into an order of its own. For a weight that stays the same over all
steps that can be done once. torch has MKL's functions for it, which its compiler uses; where they are not there, the
product is torch's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

# Smaller weights stay in the nearest cache in any order, and gain nothing.
_LEAST = 1 << 17


@dataclass(frozen=True)
class Packed:
    """A weight ``[K, N]`` in MKL's order, for a left side of ``rows`` rows, and the same transposed, as it was."""

    packed: Tensor
    transposed: Tensor
    rows: int


def can_pack(left: Tensor, weight: Tensor) -> bool:
    """Tell whether ``left [M, K] @ weight [K, N]`` is one that packing serves."""
    return (
        left.dim() == weight.dim() == 2
        and left.dtype == weight.dtype == torch.float32
        and left.device.type == weight.device.type == "cpu"
        and weight.numel() >= _LEAST
        and torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]  # torch has no types for it
        and hasattr(torch.ops.mkl, "_mkl_linear")
    )


def pack(weight: Tensor, rows: int) -> Packed:
    """Bring ``weight [K, N]`` into MKL's order."""
    transposed = weight.t().contiguous()
    return Packed(torch.ops.mkl._mkl_reorder_linear_weight(transposed, rows), transposed, rows)


def product(left: Tensor, weight: Packed) -> Tensor:
    """Return ``left [M, K] @ weight [K, N]``."""
    result: Tensor = torch.ops.mkl._mkl_linear(left, weight.packed, weight.transposed, None, weight.rows)
    return result
