"""What takes an optimizer step, and all that changes with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor

from charrnn.model import LanguageModel, map_state
from charrnn.settings import TrainSettings
from charrnn.training.averaging import WeightAverage
from charrnn.training.batches import Chunk
from charrnn.training.events import Notice
from charrnn.training.gradient import Gradient
from charrnn.training.observers import Observers
from charrnn.training.optimizer import clip_gradient, make_optimizer, step
from charrnn.training.ranks import Ranks
from charrnn.training.recorded import RecordedGradient, can_be_recorded
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
        self._all_lanes = settings.batch_size or 1
        self._empty = model.initial_state(self._all_lanes // ranks.size)
        self._state = self._empty
        self._plain = Gradient(model, settings, ranks)
        recorded = can_be_recorded(settings, self._device, ranks)
        self._gradient = RecordedGradient(self._plain) if recorded else self._plain

    def warm_up(self) -> Iterator[Notice]:
        """Plan and compile what a step runs; nothing is learned."""
        yield from warm_up(self._plain, self._settings, self._ranks)

    def step(self, chunks: Sequence[Chunk], lr: float, *, number: int) -> Step:
        """Learn from chunks that follow on each other, by the mean of their gradients.

        Args:
            chunks: of the text, as many as the settings say.
            lr: learning rate.
            number: of the step, counted from 1.
        """
        self._ranks.draw_apart(self._settings.seed, number)
        losses = []
        for place, chunk in enumerate(chunks):
            state = self._empty if chunk.at_start else self._state
            given = chunk.inputs, chunk.targets, state
            loss, self._state = self._gradient(*given, self._observers.phase_started, place)
            losses.append(loss)
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).mean()
        self._observers.phase_started("optimizer")
        norm, cut = clip_gradient(self.model, self._settings)
        step(self._optimizer, lr)
        self._average.update(number)
        return Step(loss, norm, cut)

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
        empty = self.model.initial_state(self._all_lanes)
        mixed = self._settings.precision == "bfloat16"
        state = restore(tensors, self._optimizer, empty, self._device, mixed=mixed)
        mine = self._ranks.share.slice(self._all_lanes)
        self._state = map_state(lambda leaf: leaf[mine], state)
        self._average.restore(tensors)
