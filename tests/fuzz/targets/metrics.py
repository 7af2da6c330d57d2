"""The ``metrics.jsonl`` of a run."""

from __future__ import annotations

import json

from charrnn.runs.layout import METRICS
from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes
from tests.fuzz.targets.commands import READING, TRAINING
from tests.fuzz.targets.spoiled_run import PLACE, spoiled_run

_PATH = f"{PLACE}/{METRICS}"
#: A line that only a longer run has.
_TRAIN = {
    "kind": "train",
    "loss": 3.5,
    "lr": 0.004,
    "norm": 1.2,
    "clipped": 0.5,
    "epoch": 0.1,
    "chars_per_second": 1e5,
    "seconds": 0.02,
    "memory": 1e8,
}


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil some of its lines, or its bytes."""
    records = [*map(json.loads, homes.read("char", _PATH).splitlines())]
    records += [{**_TRAIN, "step": chance.randint(0, 9)} for _ in range(chance.randint(1, 3))]
    lines = [document.spoiled(chance, each) if chance.happens(0.5) else json.dumps(each).encode() for each in records]
    content = b"\n".join(lines) + b"\n"
    if chance.happens(0.2):
        content = octets.spoiled(chance, content)
    return spoiled_run(chance, homes, "char", {_PATH: content}, READING, READING, READING, TRAINING)
