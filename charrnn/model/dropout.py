"""Dropout between layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Dropout(nn.Module):
    """Dropout on what goes up from layer to layer, not on what goes forward in time (Zaremba et al. 2014).

    Args:
        rate: share of the features that are set to 0 while training; the others grow by ``1 / (1 - rate)``.
        variational: drop the same features at all steps of a sequence (Gal and Ghahramani 2016, section 4), rather than
            others at each step. A sequence is what the model is given in one call.
    """

    def __init__(self, rate: float, *, variational: bool = False) -> None:
        super().__init__()
        self.rate = rate
        self.variational = variational

    def forward(self, features: Tensor) -> Tensor:
        """Drop features of ``[T, B, H]``."""
        if not self.variational or not self.training or not self.rate:
            return functional.dropout(features, self.rate, self.training)
        return features * functional.dropout(torch.ones_like(features[:1]), self.rate)
