"""What minGRU and minLSTM mix into their state."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

#: ``linear``: the product as it is; ``positive``: the paper's ``g`` of it.
Candidate = Literal["linear", "positive"]


def activate(candidate: Candidate, product: Tensor) -> Tensor:
    r"""Return ``W_h x + b_h`` itself, or ``g`` of it, as the log-space cells of Feng et al. 2024 have it::

        g(u) = u + 1/2   where u >= 0
               σ(u)      elsewhere

    ``g`` is positive, so that its logarithm exists. The engine needs no logarithms: here it is a choice.
    """
    if candidate == "linear":
        return product
    return torch.where(product >= 0, product + 0.5, product.sigmoid())
