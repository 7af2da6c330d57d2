"""Cases by the thousand, several at a time."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.fuzz.case import Case, Ending
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes
from tests.fuzz.judge import faults
from tests.fuzz.seal import can_seal, seal
from tests.fuzz.stage import Stage
from tests.fuzz.tally import Tally
from tests.fuzz.targets import SHARES, TARGETS
from tests.fuzz.targets.commands import USING

#: Cases that are handed to a process at once.
_CHUNK = 50


@dataclass(frozen=True)
class Chunk:
    """Some cases of a target."""

    target: str
    numbers: range


@dataclass(frozen=True)
class Judged:
    """A case, how it ended, and what is wrong with that."""

    target: str
    number: int
    case: Case
    ending: Ending
    faults: list[str]


@dataclass(frozen=True)
class Campaign:
    """Calls cases, and keeps what went wrong.

    Args:
        seed: that they follow from.
        homes: that they are called in.
        place: a directory of its own.
        keep: keep those as well that nothing is wrong with.
    """

    seed: int
    homes: Homes
    place: Path
    keep: bool = False
    tallies: dict[str, Tally] = field(default_factory=dict)

    def run(self, chunks: list[Chunk], jobs: int) -> Iterator[Judged]:
        """Call them all, and yield what is to be kept as it is found."""
        self.homes.import_all()  # once, for all that is forked
        gc.freeze()  # what is never looked at again is never copied
        pool = ProcessPoolExecutor(
            jobs,
            multiprocessing.get_context("fork"),
            initializer=seal if can_seal() else None,
            initargs=(self.place,) if can_seal() else (),
        )
        with pool:
            for done in as_completed([pool.submit(self._call, each) for each in chunks]):
                target, tally, found = done.result()
                self.tallies.setdefault(target, Tally()).add(tally)
                yield from found

    def _call(self, chunk: Chunk) -> tuple[str, Tally, list[Judged]]:
        stage, tally, found = Stage(self.homes, self.place / str(os.getpid())), Tally(), []
        for number in chunk.numbers:
            case = TARGETS[chunk.target](Chance(self.seed, chunk.target, number), self.homes)
            ending = stage.call(case)
            undamaged = (
                _undamaged(stage, case.home, case.arguments) if case.damaged and case.arguments in USING else None
            )
            wrong = faults(case, ending, undamaged)
            tally.count(ending, wrong)
            if wrong or self.keep:
                found.append(Judged(chunk.target, number, case, ending, wrong))
        return chunk.target, tally, found


@cache
def _undamaged(stage: Stage, home: str, arguments: tuple[str, ...]) -> Ending:
    return stage.call(Case(home, arguments))


def chunks(cases: int, only: str | None) -> Iterator[Chunk]:
    """Divide so many cases among the targets, or give all to one."""
    for name, share in ({only: 1.0} if only else SHARES).items():
        count = round(cases * share)
        for start in range(0, count, _CHUNK):
            yield Chunk(name, range(start, min(count, start + _CHUNK)))
