"""The ``state.json`` of a save: the counters that training goes on from."""

from __future__ import annotations

import json

from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import RUN, Homes
from tests.fuzz.targets.commands import READING, TRAINING, choose


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil it, by what it says most of the time."""
    home = chance.choice(("char", "char", "stream"))
    path = homes.find(home, f"checkpoints/{RUN}/saves/*/state.json")
    content = homes.read(home, path)
    if chance.happens(0.1):
        content = octets.spoiled(chance, content)
    else:
        content = document.spoiled(chance, json.loads(content))
    return Case(home, choose(chance, READING, TRAINING), {path: content})
