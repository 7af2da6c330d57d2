"""Both passes over a chunk as a CUDA graph.

A step of a recurrent network is hundreds of kernels or thousands, most of which are over before the next has been asked
for. What was asked for once is recorded here, and asked for again by a single call.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from charrnn.errors import UsageError
from charrnn.isolation import is_out_of_memory
from charrnn.model import ModelState, map_state
from charrnn.settings import TrainSettings
from charrnn.training.gradient import Gradient, Started, unheard

# Passes before the recorded one: libraries choose and allocate at the first, autograd at the second.
_WARM_UP = 2


def can_be_recorded(settings: TrainSettings, device: torch.device) -> bool:
    """Tell whether the passes are to be recorded, and can be: recomputation puts random generators back within them."""
    return settings.compile and device.type == "cuda" and settings.recompute_every is None


class RecordedGradient:
    """What a :class:`Gradient` does on a GPU, recorded once for each shape of a chunk and then repeated.

    The gradients and the state that it leaves are overwritten by its next call.

    Args:
        gradient: is recorded.
    """

    def __init__(self, gradient: Gradient) -> None:
        self._gradient = gradient
        self._pool = torch.cuda.graph_pool_handle()
        self._recordings: dict[object, _Recording] = {}

    def __call__(
        self, inputs: Tensor, targets: Tensor, state: ModelState, started: Started = unheard
    ) -> tuple[Tensor, ModelState]:
        """Do as :meth:`Gradient.__call__` does, both passes as one part of the work.

        Raises:
            UsageError: they cannot be recorded.
        """
        shape = inputs.shape, *(leaf.dtype for layer in state for leaf in layer)
        if shape not in self._recordings:
            try:
                self._recordings[shape] = _Recording(self._gradient, inputs, targets, state, self._pool)
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                why = str(error).strip().partition("\n")[0]
                raise UsageError(
                    f"--compile: the steps cannot be recorded for the GPU ({why}); leave --compile out"
                ) from error
        started("forward")
        return self._recordings[shape].repeat(inputs, targets, state)


class _Recording:
    def __init__(self, gradient: Gradient, inputs: Tensor, targets: Tensor, state: ModelState, pool: Any) -> None:
        self._inputs, self._targets = inputs.clone(), targets.clone()
        self._before = map_state(torch.clone, state)
        given = self._inputs, self._targets, self._before
        apart = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no types for it
        apart.wait_stream(torch.cuda.current_stream())
        with torch.random.fork_rng([inputs.device]), torch.cuda.stream(apart):
            for _ in range(_WARM_UP):
                gradient(*given)
        torch.cuda.current_stream().wait_stream(apart)
        gradient.model.zero_grad(set_to_none=True)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=pool):
            self._loss, self._after = gradient(*given)
        self._gradients = [(each, each.grad) for each in gradient.model.parameters()]

    def repeat(self, inputs: Tensor, targets: Tensor, state: ModelState) -> tuple[Tensor, ModelState]:
        self._inputs.copy_(inputs)
        self._targets.copy_(targets)
        for layer, leaves in zip(self._before, state, strict=True):
            for place, leaf in zip(layer, leaves, strict=True):
                place.copy_(leaf)
        self._graph.replay()
        for parameter, gradient in self._gradients:
            parameter.grad = gradient
        return self._loss.clone(), self._after
