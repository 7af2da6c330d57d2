"""The processor's cores."""

from __future__ import annotations

import os


def usable_cores(processes: int = 1) -> int:
    """Return how many cores this process may use, where so many of its kind share what there is; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // processes)
