"""The loss of a chunk of text."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from charrnn.model import LanguageModel, ModelState


class ChunkLoss(nn.Module):
    """:func:`chunk_loss` as a module, whose parameters are the model's.

    Args:
        model: predicts.
        recompute_every: steps of a segment.
    """

    def __init__(self, model: LanguageModel, recompute_every: int | None) -> None:
        super().__init__()
        self.model = model
        self._recompute_every = recompute_every

    def forward(self, inputs: Tensor, targets: Tensor, state: ModelState) -> tuple[Tensor, ModelState]:
        """Return the loss, and the state after the last step."""
        return chunk_loss(self.model, inputs, targets, state, self._recompute_every)


def chunk_loss(
    model: LanguageModel, inputs: Tensor, targets: Tensor, state: ModelState, recompute_every: int | None = None
) -> tuple[Tensor, ModelState]:
    """Predict each target, and carry the state.

    With ``recompute_every`` nothing is kept for the backward pass but the state at the borders of segments of so many
    steps: each segment, from embedding to loss, is computed again when its turn comes, with the same random numbers
    (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4). Segments of ``sqrt(T)`` steps take
    the least memory, for a third more of arithmetic.

    Args:
        model: predicts.
        inputs: ids ``[T, B]``.
        targets: the ids that follow, ``[T, B]``.
        state: before the first step.
        recompute_every: steps of a segment; by default all is kept.

    Returns:
        The mean cross-entropy in nats a token, and the state after the last step.
    """
    if recompute_every is None or recompute_every >= len(inputs):
        total, state = _segment_loss(model, inputs, targets, state)
        return total / targets.numel(), state
    total = torch.zeros((), device=inputs.device)
    for start in range(0, len(inputs), recompute_every):
        these, those = inputs[start : start + recompute_every], targets[start : start + recompute_every]
        loss, state = checkpoint(_segment_loss, model, these, those, state, use_reentrant=False)
        total = total + loss
    return total / targets.numel(), state


def _segment_loss(
    model: LanguageModel, inputs: Tensor, targets: Tensor, state: ModelState
) -> tuple[Tensor, ModelState]:
    logits, state = model(inputs, state)
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum"), state
