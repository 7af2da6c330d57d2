"""What takes an optimizer step, and all that changes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from charrnn.model import LanguageModel, detach, map_state
from charrnn.model.recurrent_weights import dropped
from charrnn.recurrence import Compiler, compiling
from charrnn.settings import TrainSettings
from charrnn.training.averaging import WeightAverage
from charrnn.training.batches import Chunk
from charrnn.training.chunk import ChunkLoss
from charrnn.training.events import Notice
from charrnn.training.observers import Observers
from charrnn.training.optimizer import clip_gradient, make_optimizer, step
from charrnn.training.ranks import Ranks
from charrnn.training.state import capture, restore
from charrnn.training.warmup import warm_up


class Step(NamedTuple):
    """Of one optimizer step, as scalars on the device: the loss, the gradient's norm, whether that was cut down.

    The loss is that of this rank's lanes, the gradient that of all.
    """

    loss: Tensor
    norm: Tensor
    cut: Tensor


class Learner:
    """A model, its optimizer, the average of its weights and the hidden state of each of this rank's lanes.

    Args:
        model: on its device already.
        settings: complete: no preset has anything left to fill in.
        observers: told of each part of a step.
        ranks: take the steps together, each in its share of the lanes.
    """

    def __init__(self, model: LanguageModel, settings: TrainSettings, observers: Observers, ranks: Ranks) -> None:
        self.model = model
        self._settings = settings
        self._observers = observers
        self._device = next(model.parameters()).device
        self._optimizer = make_optimizer(model, settings)
        self._average = WeightAverage(model, settings.ema or 0.0)
        self._ranks = ranks
        self._lanes = (settings.batch_size or 1) // ranks.size
        self._empty = model.initial_state(self._lanes)
        self._state = self._empty
        self._module: nn.Module = ChunkLoss(model, settings.recompute_every)
        self._shares = False
        self._compiler = Compiler() if settings.compile else None
        self._autocast: Callable[[], AbstractContextManager[Any]] = nullcontext
        if settings.precision == "bfloat16":
            self._autocast = lambda: torch.autocast(self._device.type, torch.bfloat16)

    def warm_up(self) -> Iterator[Notice]:
        """Plan and compile what a step runs; nothing is learned."""
        complete = yield from warm_up(self.model, self._settings, self._lanes, self._compiler, self._autocast)
        if not self._shares:  # once: going back to a save is no new start
            self._module, self._shares = self._ranks.sharing(self._module, unused=not complete), True

    def step(self, chunks: Sequence[Chunk], lr: float, *, number: int) -> Step:
        """Learn from chunks that follow on each other, by the mean of their gradients.

        Args:
            chunks: of the text.
            lr: learning rate.
            number: of the step, counted from 1.
        """
        self._ranks.draw_apart(self._settings.seed, number)
        self._optimizer.zero_grad(set_to_none=True)
        *before, last = chunks
        with self._ranks.apart(self._module):
            losses = [self._gradient(chunk, len(chunks)) for chunk in before]
        losses.append(self._gradient(last, len(chunks)))
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).mean()
        self._observers.phase_started("optimizer")
        norm, cut = clip_gradient(self.model, self._settings)
        step(self._optimizer, lr)
        self._average.update(number)
        return Step(loss, norm, cut)

    def _gradient(self, chunk: Chunk, count: int) -> Tensor:
        """Add the gradient of one of ``count`` chunks to that of the step, carry the state on, and return the loss."""
        if chunk.at_start:
            self._state = self._empty
        # Both hold for the backward pass as well, which may have to compute again.
        with compiling(self._compiler), dropped(self.model, self._settings.weight_drop):
            self._observers.phase_started("forward")
            with self._autocast():
                loss, state = self._module(chunk.inputs, chunk.targets, self._state)
            self._state = detach(state)
            self._observers.phase_started("backward")
            (loss if count == 1 else loss / count).backward()
        found: Tensor = loss.detach()
        return found

    def averaged(self) -> AbstractContextManager[None]:
        """Let the model have, within, the average for its weights, where there is one."""
        return self._average.in_place()

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the model's weights as they are, on the processor."""
        return {name: value.detach().to("cpu", copy=True) for name, value in self.model.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """Return what a save has to hold beside the weights, of all ranks."""
        state = map_state(self._ranks.lanes, self._state)
        return {**capture(self._optimizer, state, self._device), **self._average.tensors()}

    def restore(self, weights: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`weights` and :meth:`tensors` returned.

        Raises:
            RunError: the tensors are not of this model.
        """
        self.model.load_state_dict(weights)
        empty = self.model.initial_state(self._settings.batch_size or 1)
        state = restore(tensors, self._optimizer, empty, self._device)
        mine = self._ranks.share.slice(self._settings.batch_size or 1)
        self._state = map_state(lambda leaf: leaf[mine], state)
        self._average.restore(tensors)
