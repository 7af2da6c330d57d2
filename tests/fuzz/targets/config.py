"""The ``config.json`` of a run."""

from __future__ import annotations

import json

from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import HOMES, RUN, Homes
from tests.fuzz.targets.commands import READING, TRAINING, USING, choose

_PATH = f"checkpoints/{RUN}/config.json"


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil it, by what it says most of the time."""
    home = chance.choice([*HOMES])
    content = homes.read(home, _PATH)
    if chance.happens(0.15):
        content = octets.spoiled(chance, content)
    else:
        content = document.spoiled(chance, json.loads(content))
    return Case(home, choose(chance, READING, USING, TRAINING), {_PATH: content})
