"""The loss of a chunk and its gradient: a forward and a backward pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from charrnn.model import LanguageModel, ModelState, detach
from charrnn.model.recurrent_weights import dropped
from charrnn.recurrence import Compiler, compiling
from charrnn.settings import TrainSettings
from charrnn.training.chunk import chunk_loss

#: Is told which part of the work begins.
Started = Callable[[str], object]


def unheard(_: str) -> None:
    """Hear which part of the work begins, and do nothing."""


class Gradient:
    """Both passes over a chunk.

    Args:
        model: on its device already.
        settings: complete.

    Attributes:
        compiler: what the cells' steps are compiled with, where that is asked for.
    """

    def __init__(self, model: LanguageModel, settings: TrainSettings) -> None:
        self.model = model
        self.compiler = Compiler() if settings.compile else None
        self._settings = settings
        self._autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
        if settings.precision == "bfloat16":
            device = next(model.parameters()).device.type
            self._autocast = lambda: torch.autocast(device, torch.bfloat16)

    def __call__(
        self, inputs: Tensor, targets: Tensor, state: ModelState, started: Started = unheard
    ) -> tuple[Tensor, ModelState]:
        """Leave the gradient of a chunk's loss in the parameters.

        Args:
            inputs: ids ``[T, B]``.
            targets: the ids that follow, ``[T, B]``.
            state: before the chunk.
            started: told of each pass.

        Returns:
            The loss, and the state after the chunk.
        """
        # Both hold for the backward pass as well, which may have to compute again.
        with compiling(self.compiler), dropped(self.model, self._settings.weight_drop):
            started("forward")
            with self._autocast():
                loss, state = chunk_loss(self.model, inputs, targets, state, self._settings.recompute_every)
            started("backward")
            self.model.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        return loss.detach(), detach(state)
