"""The loss of a chunk and its gradient: a forward and a backward pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from charrnn.model import LanguageModel, ModelState, detach
from charrnn.model.recurrent_weights import dropped
from charrnn.recurrence import Compiler, compiling
from charrnn.settings import TrainSettings
from charrnn.training.chunk import ChunkLoss
from charrnn.training.ranks import Ranks

#: Is told which part of the work begins.
Started = Callable[[str], object]


def unheard(_: str) -> None:
    """Hear which part of the work begins, and do nothing."""


class Gradient:
    """Both passes over a chunk.

    Args:
        model: on its device already.
        settings: complete.
        ranks: whose gradients are averaged, once they are shared.

    Attributes:
        compiler: what the cells' steps are compiled with, where that is asked for.
    """

    def __init__(self, model: LanguageModel, settings: TrainSettings, ranks: Ranks) -> None:
        self.model = model
        self.compiler = Compiler() if settings.compile else None
        self._settings = settings
        self._ranks = ranks
        self._loss: nn.Module = ChunkLoss(model, settings.recompute_every)
        self._shared = False
        self._autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
        if settings.precision == "bfloat16":
            device = next(model.parameters()).device.type
            self._autocast = lambda: torch.autocast(device, torch.bfloat16)

    def share(self, *, unused: bool) -> None:
        """From now on, average over the ranks; ``unused`` says that some parameters get no gradient."""
        if not self._shared:
            self._loss, self._shared = self._ranks.sharing(self._loss, unused=unused), True

    def __call__(
        self, inputs: Tensor, targets: Tensor, state: ModelState, started: Started = unheard, place: int = 0
    ) -> tuple[Tensor, ModelState]:
        """Leave the gradient of a chunk's loss in the parameters, or add it to that of those before it in the step.

        Args:
            inputs: ids ``[T, B]``.
            targets: the ids that follow, ``[T, B]``.
            state: before the chunk.
            started: told of each pass.
            place: chunks of the same step before it.

        Returns:
            The loss, and the state after the chunk.
        """
        count = self._settings.accumulate
        last = place == count - 1
        # These hold for the backward pass as well, which may have to compute again.
        with (
            compiling(self.compiler),
            dropped(self.model, self._settings.weight_drop),
            nullcontext() if last else self._ranks.apart(self._loss),
        ):
            started("forward")
            with self._autocast():
                loss, state = self._loss(inputs, targets, state)
            started("backward")
            if place == 0:
                self.model.zero_grad(set_to_none=True)
            (loss if count == 1 else loss / count).backward()
        return loss.detach(), detach(state)
