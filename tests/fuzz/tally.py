"""What came of the cases, by target."""

from __future__ import annotations

from dataclasses import dataclass

from charrnn.errors import ExitCode
from tests.fuzz.case import Ending


@dataclass
class Tally:
    """Counts the cases of a target.

    Attributes:
        cases: all of them.
        answered: those that got an answer.
        told: those that got a told error.
        stopped: those that were interrupted, and ended well.
        faulty: those with a fault.
        slowest: the seconds of the slowest.
        largest: the bytes of the largest.
    """

    cases: int = 0
    answered: int = 0
    told: int = 0
    stopped: int = 0
    faulty: int = 0
    slowest: float = 0.0
    largest: int = 0

    def count(self, ending: Ending, faults: list[str]) -> None:
        """Count one."""
        self.cases += 1
        if faults:
            self.faulty += 1
        elif ending.interrupted:
            self.stopped += 1
        elif ending.code == ExitCode.DONE:
            self.answered += 1
        else:
            self.told += 1
        if not ending.interrupted:
            self.slowest = max(self.slowest, ending.seconds)
        self.largest = max(self.largest, ending.memory)

    def add(self, other: Tally) -> None:
        """Count what another has counted."""
        self.cases += other.cases
        self.answered += other.answered
        self.told += other.told
        self.stopped += other.stopped
        self.faulty += other.faulty
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)


def table(tallies: dict[str, Tally]) -> str:
    """Lay them out, with their sum."""
    whole = Tally()
    for each in tallies.values():
        whole.add(each)
    figures = ("cases", "answered", "told", "stopped", "faulty", "slowest", "largest")
    head = f"{'target':<12}" + "".join(f"{each:>10}" for each in figures)
    return "\n".join([head, *(_row(name, each) for name, each in {**tallies, "all": whole}.items())])


def _row(name: str, tally: Tally) -> str:
    return (
        f"{name:<12}{tally.cases:>10,}{tally.answered:>10,}{tally.told:>10,}{tally.stopped:>10,}{tally.faulty:>10,}"
        f"{tally.slowest:>8.1f} s{tally.largest / 1e6:>7.0f} MB"
    )
