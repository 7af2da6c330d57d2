"""Runs as a stranger may have made them: with seals and hashes that fit whatever they say."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from charrnn.runs.layout import CONFIG, LATEST, MANIFEST, METRICS, SAVES, STATE, TOKENIZER
from charrnn.runs.manifest import FileRecord, manifest_of, records_of
from charrnn.runs.run import Run
from charrnn.runs.seal import seal, unseal

Change = Callable[[dict[str, Any]], Any]


def put(*path: str | int, value: Any) -> Change:
    """Return what sets a value, by the keys that lead to it."""

    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def forge_config(run: Path, change: Change) -> None:
    """Change a run's config."""
    content, _ = unseal((run / CONFIG).read_bytes())
    content["tokenizer"]["files"] = {name: record.model_dump() for name, record in records_of(run / TOKENIZER).items()}
    change(content)
    (run / CONFIG).write_bytes(seal(content))


def forge_state(run: Path, change: Change) -> None:
    """Change the state of the save that counts."""
    path = save_of(run) / STATE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    reseal(run)


def save_of(run: Path) -> Path:
    """Return the save that counts."""
    return run / SAVES / (run / LATEST).read_text().split()[0]


def reseal(run: Path) -> None:
    """Let the manifest of the save that counts fit what is there."""
    save = Run(run).saves.latest()
    (save.path / MANIFEST).write_bytes(manifest_of(save.path, FileRecord.of(run / METRICS)).to_bytes())
    Run(run).saves.point_at(save)


def hollow_tensors(path: Path, shapes: dict[str, list[int]]) -> None:
    """Write a safetensors file of zeros that takes no room: a header, and a hole."""
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for each in shape:
            size *= each
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    written = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(written)) + written)
        file.truncate(8 + len(written) + at)
