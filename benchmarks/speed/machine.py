"""The machine that figures are of."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch

from benchmarks.speed.timing import side_by_side

_SIDE = 1024


def describe() -> Iterator[str]:
    """Say what the processor, torch and its threads are."""
    model = next(
        (line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")), platform.machine()
    )
    capability = torch.backends.cpu.get_cpu_capability()
    yield (
        f"{model}, {torch.get_num_threads()} threads, {capability}; torch {torch.__version__.partition('+')[0]}; a "
        f"product of two matrices of {_SIDE} rows: {matrix_rate() / 1e9:.0f} G operations/s"
    )


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


@cache
def matrix_rate() -> float:
    """Return operations a second of a product of two square matrices of 1024 rows."""
    left, right = torch.randn(_SIDE, _SIDE), torch.randn(_SIDE, _SIDE)
    return 2 * _SIDE**3 / side_by_side({"product": lambda: left @ right}, rounds=15)["product"]
