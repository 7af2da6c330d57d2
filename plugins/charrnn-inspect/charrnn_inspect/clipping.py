"""How often a gradient was clipped during training."""

from __future__ import annotations

import json
from pathlib import Path

from charrnn.errors import RunError


def clipped_share(metrics: Path) -> float | None:
    """Return the share of optimizer steps whose gradient was clipped; None where the run did not write that down.

    Args:
        metrics: ``metrics.jsonl``: each line of kind ``train`` has, as ``clipped``, the share of the steps since the
            line before.

    Raises:
        RunError: it is damaged.
    """
    before, steps, clipped = 0, 0, 0.0
    try:
        for line in metrics.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["kind"] != "train":
                continue
            taken, before = record["step"] - before, record["step"]
            if "clipped" in record:
                steps, clipped = steps + taken, clipped + taken * record["clipped"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{metrics} is damaged: {type(error).__name__}: {error}") from None
    return clipped / steps if steps else None
