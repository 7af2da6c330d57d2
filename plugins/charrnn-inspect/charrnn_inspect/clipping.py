"""How often a gradient was clipped during training."""

from __future__ import annotations

from pathlib import Path

from charrnn.runs.metrics import has_numbers, read_metrics


def clipped_share(metrics: Path) -> float | None:
    """Return the share of optimizer steps whose gradient was clipped; None where the run did not write that down.

    Args:
        metrics: ``metrics.jsonl``: each line of kind ``train`` has, as ``clipped``, the share of the steps since the
            line before.

    Raises:
        RunError: it cannot be read.
    """
    records, _ = read_metrics(metrics)
    before, steps, clipped = 0, 0, 0.0
    for record in records:
        if record.get("kind") == "train" and has_numbers(record, "step"):
            taken, before = record["step"] - before, record["step"]
            if has_numbers(record, "clipped"):
                steps, clipped = steps + taken, clipped + taken * record["clipped"]
    return clipped / steps if steps else None
