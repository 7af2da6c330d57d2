"""The ``state.json`` of a save: the numbers that training goes on from."""

from __future__ import annotations

import json

from charrnn.runs.layout import STATE
from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import Homes
from tests.fuzz.targets.commands import READING, TRAINING
from tests.fuzz.targets.spoiled_run import PLACE, spoiled_run


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil it, by what it says most of the time."""
    home = chance.choice(("char", "char", "char", "stream"))
    path = homes.find(home, f"{PLACE}/saves/*/{STATE}")
    content = homes.read(home, path)
    content = octets.spoiled(chance, content) if chance.happens(0.1) else document.spoiled(chance, json.loads(content))
    return spoiled_run(chance, homes, home, {path: content}, READING, TRAINING, TRAINING)
