"""What has to hold of a run after its process died, and when it has come to its end all the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.errors import CharrnnError
from charrnn.runs.layout import CONFIG, WEIGHTS
from charrnn.runs.run import Run
from charrnn.runs.tensor_file import read_arrays
from charrnn.runs.verification import verify
from tests.crashes.moments import hash_of
from tests.same_bits import figures, saved


class Fault(Exception):  # noqa: N818 - what is looked for
    """A promise that was not kept."""


@dataclass(frozen=True)
class Reference:
    """The run that nothing happens to.

    Attributes:
        figures: that it logged.
        saved: what its last save holds.
        weights: a hash of them after each step.
        counts: how often it came by each kind of moment.
        seconds: that it took.
    """

    figures: list[dict[str, Any]]
    saved: dict[str, Any]
    weights: dict[int, str]
    counts: dict[str, int]
    seconds: float

    @classmethod
    def of(cls, run: Path, report: Path, seconds: float) -> Reference:
        """Read it, and what its process reported."""
        told = json.loads(report.read_text())
        weights = {int(step): each for step, each in told["weights"].items()}
        return cls(figures(run), saved(run), weights, told["counts"], seconds)


def check_after_death(path: Path, reference: Reference, before: int) -> int | None:
    """Look at what a death has left.

    Args:
        path: of the run.
        reference: the same one undisturbed.
        before: the step that was safe before.

    Returns:
        The step that is safe now: that of the save that counts, 0 where nothing was saved, None where there is nothing
        to go on from.

    Raises:
        Fault: something is damaged, lost, or not what it should be.
    """
    if not (path / CONFIG).exists():
        if before or path.exists():
            raise Fault("the run is gone")
        return None
    run = Run(path)
    try:
        found = verify(run)
        if found.damage:
            raise Fault(f"it is damaged: {found.damage[0].problem}")
        if found.holder:
            raise Fault(f"it is still held by {found.holder}")
        step = _saved_step(run, reference)
    except CharrnnError as error:
        raise Fault(str(error)) from error
    if (step or 0) < before:
        raise Fault(f"step {before} was safe, and now it is {step}")
    return step


def _saved_step(run: Run, reference: Reference) -> int | None:
    state, latest = run.state(), run.saves.latest()
    if state is None or latest is None:
        return None if run.config.origin.given else 0  # what chance does not make again cannot start again
    step = int(state["step"])
    if step and hash_of(read_arrays(latest.file(WEIGHTS))) != reference.weights.get(step):
        raise Fault(f"the weights saved at step {step} are not those of an undisturbed run")
    return step


def check_end(path: Path, reference: Reference) -> None:
    """Compare a run that came to its end with the same one undisturbed.

    Raises:
        Fault: something differs, or was left behind.
    """
    found = verify(Run(path))
    if found.damage or found.left:
        raise Fault(f"at its end: {[each.problem for each in found.damage]}, left behind: {found.left}")
    lines = figures(path)
    for number, (line, wanted) in enumerate(zip(lines, reference.figures, strict=False), start=1):
        if line != wanted:
            raise Fault(f"line {number} of its metrics is {line}, and that of an undisturbed run {wanted}")
    if len(lines) != len(reference.figures):
        raise Fault(f"it has {len(lines)} lines of metrics, an undisturbed run {len(reference.figures)}")
    now = saved(path)
    if now != reference.saved:
        names = now.keys() | reference.saved.keys()
        different = sorted(name for name in names if now.get(name) != reference.saved.get(name))
        raise Fault(f"{len(different)} of what it saved are not the same: {', '.join(different[:3])}")
