"""How often a gradient was clipped during training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from charrnn.runs.metrics import Logged, has_numbers
from charrnn.settings import OptimizerSettings


@dataclass(frozen=True)
class Clipping:
    """What a run has written down of it.

    Attributes:
        share: of the optimizer steps whose gradient was scaled down to the norm ``--clip``; None where it is not known.
        logged: whether any step was logged at all.
    """

    share: float | None
    logged: bool


def read_clipping(metrics: Path) -> Clipping:
    """Read how often it was.

    Args:
        metrics: ``metrics.jsonl``: each line of kind ``train`` has, as ``clipped``, the share of the steps since the
            line before.

    Raises:
        RunError: it cannot be read.
    """
    before, steps, clipped = 0, 0, 0.0
    for record in Logged(metrics):
        if record.get("kind") == "train" and has_numbers(record, "step"):
            taken, before = record["step"] - before, record["step"]
            if has_numbers(record, "clipped"):
                steps, clipped = steps + taken, clipped + taken * record["clipped"]
    return Clipping(clipped / steps if steps else None, logged=before > 0)


def describe(found: Clipping, settings: OptimizerSettings) -> str:
    """Say it in a line, of a run with these settings: numbers are clipped by ``--clip-value`` before the norm is."""
    values = f"each number of a gradient to {settings.clip_value:g}, by --clip-value" if settings.clip_value else ""
    if not settings.clip:
        return f"clipping: {values}; no norm, by --clip 0" if values else "clipping: none, by --clip 0"
    if found.share is not None:
        norms = f"{found.share:.1%} of the optimizer steps had a gradient clipped to norm {settings.clip:g}"
    elif found.logged:
        norms = "not known; this run was trained by a charrnn that did not write it down"
    else:
        norms = "not known; this run logged none of its steps"
    return f"clipping: {norms}" + (f"; before that, {values}" if values else "")
