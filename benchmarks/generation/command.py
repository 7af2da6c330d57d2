"""The program itself: its speed with the text decoded and printed, and its time from a cold start."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.generation.shape import EMBEDDING, VOCABULARY, Shape

_ALPHABET = "".join(map(chr, range(32, 32 + VOCABULARY - 1))) + "\n"


def make_run(folder: Path, shape: Shape, cell: str = "lstm") -> str:
    """Train a model of a shape for one step; returns its name."""
    corpus = folder / "corpus.txt"
    corpus.write_text(_ALPHABET * 200)
    name = f"{cell}-{shape}"
    run(
        "-m", "charrnn", "train", str(corpus), "--cell", cell, "--layers", str(shape.layers),
        "--hidden", str(shape.hidden), "--embed", str(EMBEDDING), "--steps", "1", "--batch-size", "2", "--seq-len", "8",
        "--no-layer-norm", "--name", name, "--checkpoints", str(folder / "runs"), *plugin_flags(cell), folder=folder,
    )  # fmt: skip
    return name


def plugin_flags(cell: str) -> list[str]:
    """Name the plugin that a cell is of."""
    return [] if cell == "lstm" else ["--plugin", str(Path(__file__).with_name("plain_cell.py"))]


def run(*arguments: str, folder: Path) -> float:
    """Run Python; returns the seconds that it took."""
    environment = {**os.environ, "CHARRNN_LOAD_PLUGINS": "", "CHARRNN_CACHE": str(folder / "cache")}
    environment["PYTHONPATH"] = str(Path.cwd())
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    return time.perf_counter() - began


def sample(folder: Path, name: str, length: int, more: Sequence[str] = ()) -> float:
    """Return the seconds of ``charrnn sample`` into a pipe."""
    where = ["--checkpoints", str(folder / "runs"), "--length", str(length), "--seed", "0"]
    return run("-m", "charrnn", "sample", name, *where, *more, folder=folder)


def cold_start(folder: Path, name: str, more: Sequence[str] = (), rounds: int = 15) -> tuple[float, float]:
    """Return medians, taken in turn, of 200 characters from a cold start, and of importing torch."""
    ours, torch = [], []
    for _ in range(rounds):
        ours.append(sample(folder, name, 200, more))
        torch.append(run("-c", "import torch", folder=folder))
    return statistics.median(ours), statistics.median(torch)
