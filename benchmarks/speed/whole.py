"""The whole of ``charrnn train`` against a bare loop."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.corpora.texts import write

_ROUNDS = 2
#: Cell, layers, hidden, chunk, lanes, steps: each some forty seconds, a short run; in a longer one the ten evaluations,
#: saves and samples weigh less.
_RUNS = [
    ("lstm", 2, 128, 50, 50, 1500),
    ("lstm", 2, 256, 64, 64, 350),
    ("gru", 2, 256, 128, 16, 450),
]


def whole() -> Iterator[str]:
    """Give the table of whole runs."""
    yield "| cell, shape, steps | a bare loop, characters a second | `charrnn train` | ratio |"
    yield "| --- | --- | --- | --- |"
    with tempfile.TemporaryDirectory() as directory:
        text = write("lines", Path(directory) / "text", 2_000_000)
        for cell, layers, hidden, steps, lanes, count in _RUNS:
            shape = {"layers": layers, "hidden": hidden, "seq-len": steps, "batch-size": lanes, "steps": count}
            flags = [word for name, value in shape.items() for word in (f"--{name}", str(value))]
            bare, ours = [], []
            for number in range(_ROUNDS):
                bare.append(float(_run("benchmarks.speed.bare_loop", text, cell.upper(), *flags)))
                ours.append(_train(text, cell, flags, Path(directory) / f"runs-{cell}-{hidden}-{lanes}-{number}"))
            ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
            yield (
                f"| {cell} {layers}x{hidden} T{steps} B{lanes}, {count} | {statistics.median(bare) / 1e3:.1f} k | "
                f"{statistics.median(ours) / 1e3:.1f} k | {ratio:.2f} |"
            )


def _train(text: Path, cell: str, flags: list[str], checkpoints: Path) -> float:
    """Return characters a second of a whole run: evaluations, samples and saves included, from its own clock."""
    out = _run(
        "charrnn", "train", text, "--cell", cell, "--embed", 64, *flags, "--lr", "2e-3", "--checkpoints", checkpoints,
        "--no-layer-norm", "--no-random-offset", "--dropout", 0, "--json", "--name", "run",
    )  # fmt: skip
    events = [json.loads(line) for line in out.splitlines()]
    finished = next(event for event in events if event["event"] == "finished")
    shape = dict(zip(flags[::2], map(int, flags[1::2]), strict=True))
    return float(finished["step"] * shape["--seq-len"] * shape["--batch-size"] / finished["seconds"])


def _run(module: str, *arguments: object) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, env=os.environ
    )
    if finished.returncode:
        raise RuntimeError(finished.stderr)
    return finished.stdout
