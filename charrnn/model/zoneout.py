"""Zoneout: parts of the state stay as they were."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from charrnn.cells.base import Cell, State


class Zoneout(Cell):
    """A cell whose state, at each step and at random, keeps some of its numbers (Krueger et al. 2017, equation 4).

    While training, ``s_t = m_t * s_{t-1} + (1 - m_t) * s'_t`` for each leaf ``s`` of the state, where ``s'_t`` is what
    the cell makes of it and ``m_t`` is 1 with the probability ``rate``. Otherwise ``m_t`` is ``rate``, its mean. An
    output that is a leaf of the state is kept with it; a leaf of integers, such as a count of steps, is not kept.

    The masks are drawn for all steps at once and come with the projected inputs, so that the step stays a pure function
    and runs as any other.

    Args:
        cell: makes the steps.
        rate: between 0 and 1.
    """

    def __init__(self, cell: Cell, rate: float) -> None:
        super().__init__(cell.input_size, cell.hidden_size)
        self.cell = cell
        self.rate = rate

    def initial_state(self, batch_size: int) -> State:
        """Return the cell's."""
        return self.cell.initial_state(batch_size)

    def project(self, inputs: Tensor) -> Tensor:
        """Project as the cell does; while training, masks follow: ``[T, B, I] -> [T, B, P + leaves' features]``."""
        projected = self.cell.project(inputs)
        if not self.training:
            return projected
        width = sum(_features(leaf) for leaf in self.cell.initial_state(1))
        masks = torch.empty((*projected.shape[:-1], width), dtype=projected.dtype, device=projected.device)
        return torch.cat([projected, masks.bernoulli_(self.rate)], dim=-1)

    @property
    def gates(self) -> Callable[[Tensor, State], dict[str, Tensor]]:
        """The cell's own, where it shows them; of a cell that does not train, for whose inputs there are no masks."""
        return self.cell.gates  # type: ignore[return-value]  # no cell needs to have it

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Step as the cell does, and keep what the masks say."""
        kept: tuple[Tensor | float, ...] = (self.rate,) * len(state)
        if self.training:
            sizes = [_features(leaf) for leaf in state]
            projected, *masks = torch.split(projected, [projected.shape[-1] - sum(sizes), *sizes], dim=-1)
            kept = tuple(mask.reshape(leaf.shape) for mask, leaf in zip(masks, state, strict=True))
        output, after = self.cell.step(projected, state)
        zoned = tuple(
            new + keep * (old - new) if new.is_floating_point() or new.is_complex() else new
            for new, old, keep in zip(after, state, kept, strict=True)
        )
        output = next((new for new, leaf in zip(zoned, after, strict=True) if leaf is output), output)
        return output, zoned


def _features(leaf: Tensor) -> int:
    return leaf[0].numel()
