"""What takes an optimizer step, and all that changes with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from torch import Tensor

from charrnn.model import LanguageModel
from charrnn.settings import TrainSettings
from charrnn.training.averaging import WeightAverage
from charrnn.training.events import Notice
from charrnn.training.gradient import Gradient
from charrnn.training.observers import Observers
from charrnn.training.optimizer import clip_gradient, make_optimizer, step
from charrnn.training.recorded import RecordedGradient, can_be_recorded
from charrnn.training.state import capture, restore
from charrnn.training.warmup import warm_up


class Step(NamedTuple):
    """Of one optimizer step, as scalars on the device: the loss, the gradient's norm, whether that was cut down."""

    loss: Tensor
    norm: Tensor
    cut: Tensor


class Learner:
    """A model, its optimizer, the average of its weights and the hidden state of each lane.

    Args:
        model: on its device already.
        settings: complete: no preset has anything left to fill in.
        observers: told of each part of a step.
    """

    def __init__(self, model: LanguageModel, settings: TrainSettings, observers: Observers) -> None:
        self.model = model
        self._settings = settings
        self._observers = observers
        self._device = next(model.parameters()).device
        self._optimizer = make_optimizer(model, settings)
        self._average = WeightAverage(model, settings.ema or 0.0)
        self._empty = model.initial_state(settings.batch_size or 1)
        self._state = self._empty
        self._plain = Gradient(model, settings)
        recorded = can_be_recorded(settings, self._device)
        self._gradient = RecordedGradient(self._plain) if recorded else self._plain

    def warm_up(self) -> Iterator[Notice]:
        """Plan and compile what a step runs; nothing is learned."""
        yield from warm_up(self._plain, self._settings)

    def step(self, inputs: Tensor, targets: Tensor, lr: float, *, number: int, at_start: bool) -> Step:
        """Learn from a chunk.

        Args:
            inputs: ids ``[T, B]``.
            targets: the ids that follow, ``[T, B]``.
            lr: learning rate.
            number: of the step, counted from 1.
            at_start: whether the chunk follows on nothing.
        """
        if at_start:
            self._state = self._empty
        loss, self._state = self._gradient(inputs, targets, self._state, self._observers.phase_started)
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
        """Return what a save has to hold beside the weights."""
        return {**capture(self._optimizer, self._state, self._device), **self._average.tensors()}

    def restore(self, weights: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`weights` and :meth:`tensors` returned.

        Raises:
            RunError: the tensors are not of this model.
        """
        self.model.load_state_dict(weights)
        self._state = restore(tensors, self._optimizer, self._empty, self._device)
        self._average.restore(tensors)
