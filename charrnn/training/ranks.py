"""The processes that train one run together."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from torch import Tensor, nn

from charrnn.errors import ExitCode
from charrnn.launch import Place, Share

T = TypeVar("T")


class Ranks:
    """A process that trains alone: whatever it asks of all ranks, it has.

    All ranks call the same methods in the same order.
    """

    def __init__(self, place: Place | None = None) -> None:
        self.place = place or Place()

    @property
    def size(self) -> int:
        """How many there are."""
        return self.place.size

    @property
    def share(self) -> Share:
        """The part of the work that is this rank's."""
        return self.place.share

    @property
    def first(self) -> bool:
        """Whether this is the one that decides, logs and writes."""
        return self.place.rank == 0

    def each(self, value: T) -> list[T]:
        """Return every rank's value, which is JSON, in their order."""
        return [value]

    def leading(self, value: T) -> T:
        """Return the first rank's value, which is JSON."""
        return self.each(value)[0]

    def mean(self, value: float) -> float:
        """Return the mean of a number over the ranks, the same bits on each."""
        return value

    def moment(self, seconds: float, asked: ExitCode | None) -> tuple[float, ExitCode | None]:
        """Return what the first rank's clock says, and whether any was asked to stop."""
        return seconds, asked

    def lanes(self, leaf: Tensor) -> Tensor:
        """Put the lanes of all ranks together: ``[B / N, ...]`` of each to ``[B, ...]``."""
        return leaf

    def together(self, *, patient: bool = False) -> AbstractContextManager[None]:  # noqa: ARG002 - for others
        """Do within what a rank can fail at: if one does, all leave with an error, which that one tells.

        Args:
            patient: whether some may take hours longer than others.
        """
        return nullcontext()

    def sharing(self, module: nn.Module, *, unused: bool) -> nn.Module:  # noqa: ARG002 - for others
        """Return a module whose gradients are averaged over the ranks.

        Args:
            module: as it is on each rank.
            unused: whether some parameters get no gradient.
        """
        return module

    def apart(self, module: nn.Module) -> AbstractContextManager[None]:  # noqa: ARG002 - for others
        """Let, within, the gradients of what :meth:`sharing` returned stay on their ranks."""
        return nullcontext()

    def draw_apart(self, seed: int, step: int) -> None:
        """Let each rank's random numbers, in this step, be its own."""

    def keep(self, run: str) -> None:
        """Remember where the run is, in case that torchrun starts anew."""

    def kept(self) -> str | None:
        """Return where the run is that was trained before torchrun started anew."""
        return None
