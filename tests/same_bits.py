"""All of a run that has to be the same whenever it is trained: every tensor and every figure but times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from tests.forging import save_of

#: What a clock says, and how long the figures with it are when they are written.
TIMES = {"seconds", "evaluation_seconds", "chars_per_second", "waited", "metrics_bytes"}


def figures(run: Path) -> list[dict[str, Any]]:
    """Every logged figure but times and rates."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


def saved(run: Path) -> dict[str, Any]:
    """All that the newest save holds, but for times: tensors as bytes, and the state with the best and the patience."""
    save = save_of(run)
    files = [*save.glob("*.safetensors"), run / "model.safetensors"]
    assert len(files) == 4
    tensors = {f"{file.name}/{name}": each.tobytes() for file in files for name, each in load_file(file).items()}
    state = json.loads((save / "state.json").read_text())
    return tensors | {name: value for name, value in state.items() if name not in TIMES}
