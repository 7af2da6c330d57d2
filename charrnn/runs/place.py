"""Where runs go."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "CHARRNN_CHECKPOINTS"


def checkpoints_directory(given: str | Path | None = None) -> Path:
    """Return the directory that was given, or ``CHARRNN_CHECKPOINTS``, or ``checkpoints``."""
    return Path(given or os.environ.get(ENVIRONMENT) or "checkpoints")
