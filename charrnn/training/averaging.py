"""A moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from charrnn.errors import RunError

_PREFIX = "average."


class WeightAverage:
    """The exponential moving average of a model's weights over the steps of training (Polyak and Juditsky 1992).

    After step ``n`` it is ``d a + (1 - d) w`` with ``d`` the smaller of the decay and ``n / (n + 9)``, so that the
    first steps, which say little, are soon forgotten.

    Args:
        model: on its device.
        decay: 0 means that there is no average: the weights stand for themselves.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._weights = dict(model.named_parameters()) if decay else {}
        self._average = {name: weight.detach().clone() for name, weight in self._weights.items()}

    def update(self, step: int) -> None:
        """Take the weights in, as they are after step number ``step``, counted from 1."""
        if self._average:
            decay = min(self._decay, step / (step + 9))
            with torch.no_grad():
                torch._foreach_lerp_(list(self._average.values()), list(self._weights.values()), 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the average for its weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def tensors(self) -> dict[str, Tensor]:
        """Return what a save has to hold."""
        return {_PREFIX + name: average.clone() for name, average in self._average.items()}

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`tensors` returned.

        Raises:
            RunError: it is not of this model.
        """
        for name, average in self._average.items():
            held = saved.get(_PREFIX + name)
            if held is None or held.shape != average.shape:
                raise RunError(
                    f"the save does not fit this model: the average of {name} is missing or of another shape"
                )
            average.copy_(held)

    def _swap(self) -> None:
        with torch.no_grad():
            for name, average in self._average.items():
                weight = self._weights[name]
                before = weight.detach().clone()
                weight.copy_(average)  # in place: kernels may know the weights by where they are
                average.copy_(before)
