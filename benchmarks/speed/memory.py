"""Peak memory against the length of a chunk, with and without recomputation."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator

_STEPS = (100, 316, 1000, 3162, 10_000)
_WORKER = """
import re, sys
import torch
from charrnn.model import LanguageModel
from charrnn.settings import ModelSettings
from charrnn.training.chunk import chunk_loss

steps, every = int(sys.argv[1]), int(sys.argv[2]) or None
model = LanguageModel(ModelSettings(cell=sys.argv[3], layers=1, hidden=256, embed=64, dropout=0.0), 65)
ids = torch.zeros(steps + 1, 16, dtype=torch.int64)

def step(count, every):
    loss, _ = chunk_loss(model, ids[:count], ids[1 : count + 1], model.initial_state(16), every)
    loss.backward()

def peak():
    # Not getrusage: a process begins with the peak of the one that started it.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

step(16, 8 if every else None)
before = peak()
step(steps, every)
print((peak() - before) / 1024)
"""


def memory() -> Iterator[str]:
    """Give the table: a process of its own for each figure."""
    yield "| steps of a chunk | lstm, MB | recomputed every sqrt(steps), MB | gru, MB | recomputed, MB |"
    yield "| --- | --- | --- | --- | --- |"
    for steps in _STEPS:
        every = round(math.sqrt(steps))
        figures = [_peak(steps, often, cell) for cell in ("lstm", "gru") for often in (0, every)]
        yield f"| {steps} | " + " | ".join(f"{figure:.0f}" for figure in figures) + " |"


def _peak(steps: int, every: int, cell: str) -> float:
    arguments = [sys.executable, "-c", _WORKER, str(steps), str(every), cell]
    return float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
