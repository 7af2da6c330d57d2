"""The losses of a run as they were logged, against steps, seconds or epochs."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal

from charrnn.errors import RunError
from charrnn.runs.layout import METRICS
from charrnn.runs.metrics import Logged, has_numbers
from charrnn.runs.run import Run

Unit = Literal["bits", "nats"]
Against = Literal["steps", "seconds", "epochs"]

#: What a loss is called in each unit.
UNITS: dict[Unit, str] = {"bits": "bits per character", "nats": "nats a token"}

#: What is read of each kind of line.
_DRAWN = {
    "train": ("step", "seconds", "loss", "epoch"),
    "validation": ("step", "seconds", "nats_per_token", "bits_per_char"),
}
#: Beyond it, what is reckoned with numbers would soon be infinite.
_LARGEST = 1e100
#: The share of a run that is its beginning, as one in so many.
_BEGINNING = 10
#: Where a loss was measured, and what it was.
Point = tuple[float, float]


class NothingLoggedError(RunError):
    """A run has just begun."""


@dataclass(frozen=True)
class Curves:
    """The two curves of a run, their points in the order of the steps.

    Attributes:
        name: of the run.
        training: means over the steps between two logged lines.
        validation: of each evaluation.
        damaged: lines that could not be read, and are left out.
    """

    name: str
    training: list[Point]
    validation: list[Point]
    damaged: int

    @property
    def best(self) -> Point | None:
        """The best evaluation."""
        return min(self.validation, key=lambda point: point[1], default=None)


def read_curves(run: Run, unit: Unit = "bits", against: Against = "steps") -> Curves:
    """Read a run's curves.

    Args:
        run: what was trained.
        unit: bits a character, ``nats / ln 2 / (characters a token)`` by the validation text, or nats a token.
        against: optimizer steps done, seconds since the first, or passes over the corpus.

    Raises:
        NothingLoggedError: there is nothing to draw yet.
        RunError: it cannot be read.
    """
    logged = Logged(run.path / METRICS)
    train, validation = _by_kind(logged)
    if not train and not validation:
        raise NothingLoggedError(
            f"run '{run.name}' has no metrics yet; they come with its first save; go on with: {run.resume_command}"
        )
    if against == "epochs":
        if not train:
            raise NothingLoggedError(f"run '{run.name}' has logged no epochs yet; plot it --against steps")
        _add_epochs(validation, train)
    at = {"steps": "step", "seconds": "seconds", "epochs": "epoch"}[against]
    scale = 1.0 if unit == "nats" else 1 / math.log(2) / _chars_per_token(run)
    scored = "nats_per_token" if unit == "nats" else "bits_per_char"
    return Curves(
        run.name,
        [(each[at], each["loss"] * scale) for each in train],
        [(each[at], each[scored]) for each in validation],
        logged.damaged,
    )


def last_place(drawn: Iterable[Curves]) -> float:
    """Return where the longest of the curves ends."""
    return max(at for each in drawn for at, _ in (*each.training, *each.validation))


def thinned(drawn: Sequence[Curves], most: int) -> list[Curves]:
    """Make training thin: no more than so many points, means over intervals of equal length of the longest run."""
    last = last_place(drawn)
    return [replace(each, training=_means(each.training, last / most)) for each in drawn]


def _means(points: Iterable[Point], length: float) -> list[Point]:
    intervals: dict[int, list[Point]] = {}
    for at, loss in points:
        intervals.setdefault(math.ceil(at / length) if length else 0, []).append((at, loss))
    return [(fmean(at for at, _ in each), fmean(loss for _, loss in each)) for each in intervals.values()]


def loss_range(drawn: Iterable[Curves]) -> Point:
    """Return the lowest and the highest loss to draw.

    Where the loss falls from that of a guess, in the first tenth of a run or until it is evaluated, does not count: it
    would press all else flat.
    """
    losses: list[float] = []
    for each in drawn:
        points = [*each.training, *each.validation]
        begun = min([max(at for at, _ in points) / _BEGINNING, *(at for at, _ in each.validation)])
        losses += [loss for at, loss in points if at >= begun]
    return min(losses), max(losses)


def _by_kind(records: Iterable[Mapping[str, Any]]) -> list[list[dict[str, float]]]:
    """Return what is drawn of the lines on training, and of those on validation."""
    drawn: dict[str, list[dict[str, float]]] = {kind: [] for kind in _DRAWN}
    for record in records:
        names = _DRAWN.get(str(record.get("kind")), ())
        if names and _can_be_drawn(record, names):
            drawn[record["kind"]].append({name: record[name] for name in names})
    return list(drawn.values())


def _can_be_drawn(record: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Tell whether all of these are numbers that go onto an axis, which begins at 0."""
    if not has_numbers(record, *names) or any(abs(record[name]) > _LARGEST for name in names):
        return False
    return all(record[name] >= 0 for name in ("step", "seconds", "epoch") if name in names)


def _chars_per_token(run: Run) -> float:
    split = run.config.corpus.validation.split
    counts = run.config.corpus.splits[split]
    if not has_numbers(counts, "chars", "tokens") or min(counts["chars"], counts["tokens"]) <= 0:
        raise RunError(f"run '{run.name}' is damaged: its config should tell the characters of the split '{split}'")
    return float(counts["chars"] / counts["tokens"])


def _add_epochs(validation: Iterable[dict[str, float]], train: Sequence[dict[str, float]]) -> None:
    """Tell evaluations their epoch, which only the lines on training have: epochs go on evenly between two of them."""
    steps = [0, *(each["step"] for each in train)]
    epochs = [0.0, *(each["epoch"] for each in train)]
    for each in validation:
        after = min(max(bisect_left(steps, each["step"]), 1), len(steps) - 1)
        slope = (epochs[after] - epochs[after - 1]) / max(steps[after] - steps[after - 1], 1)
        each["epoch"] = max(0.0, epochs[after] + (each["step"] - steps[after]) * slope)
