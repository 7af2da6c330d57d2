"""One process of several that train a run together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from charrnn.errors import ExitCode, PeerError
from charrnn.launch import Place, agree
from charrnn.training.meeting import Meeting, is_lost
from charrnn.training.ranks import Ranks

T = TypeVar("T")


class JoinedRanks(Ranks):
    """A process that has met others.

    Args:
        place: of this one.
        meeting: where they have met.
    """

    def __init__(self, place: Place, meeting: Meeting) -> None:
        super().__init__(place)
        self._meeting = meeting

    def each(self, value: T) -> list[T]:
        """Return every rank's value, which is JSON, in their order."""
        return [json.loads(each) for each in self._meeting.gather_bytes(json.dumps(value).encode())]

    def mean(self, value: float) -> float:
        """Return the mean of a number over the ranks, the same bits on each."""
        return sum(self.each(value)) / self.size

    def moment(self, seconds: float, asked: ExitCode | None) -> tuple[float, ExitCode | None]:
        """Return what the first rank's clock says, and whether any was asked to stop; no step has another exchange."""
        told = torch.tensor([seconds if self.first else 0.0, float(asked or 0)], dtype=torch.float64)
        now, code = self._meeting.largest(told).tolist()
        return now, ExitCode(int(code)) if code else None

    def lanes(self, leaf: Tensor) -> Tensor:
        """Put the lanes of all ranks together: ``[B / N, ...]`` of each to ``[B, ...]``."""
        return torch.cat(self._meeting.gather(leaf.contiguous()))

    @contextmanager
    def together(self, *, patient: bool = False) -> Iterator[None]:
        """Do within what a rank can fail at: if one does, all leave with an error, which that one tells."""
        failure: Exception | None = None
        try:
            yield
        except Exception as error:  # it is raised below
            if is_lost(error):
                raise
            failure = error
        told = None if failure is None else (str(failure), getattr(failure, "exit_code", ExitCode.TOLD_ERROR))
        with suppress(RuntimeError) if failure is not None else nullcontext():  # if there is nobody left to be told
            if patient:
                self._meeting.wait()
            for rank, theirs in enumerate(self.each(told)):
                if theirs is not None:
                    if rank != self.place.rank:
                        raise PeerError(*theirs) from failure
                    break
        if failure is not None:
            agree(failure)
            raise failure

    def sharing(self, module: nn.Module, *, unused: bool) -> nn.Module:
        """Return a module whose gradients are averaged over the ranks, while its backward pass still runs."""
        if self.size == 1:
            return module
        return self._meeting.averaging(module, unused=unused)

    def apart(self, module: nn.Module) -> AbstractContextManager[None]:
        """Let, within, the gradients of what :meth:`sharing` returned stay on their ranks."""
        return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()

    def draw_apart(self, seed: int, step: int) -> None:
        """Let each rank's random numbers, in this step, be its own.

        Those of the first go on as they would alone. The others begin anew from the seed, their rank and the step, so
        that a save needs the state of one generator only.
        """
        if not self.first:
            mixed = np.random.SeedSequence([seed, self.place.rank, step]).generate_state(1, np.uint64)
            torch.manual_seed(int(mixed[0]))

    def keep(self, run: str) -> None:
        """Remember where the run is, in case that torchrun starts anew."""
        if self.first:
            self._meeting.keep(run)

    def kept(self) -> str | None:
        """Return where the run is that was trained before torchrun started anew."""
        return self._meeting.kept() if self.place.restart else None
