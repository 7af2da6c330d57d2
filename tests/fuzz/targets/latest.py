"""The pointer to the save that counts."""

from __future__ import annotations

from tests.fuzz import octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import RUN, Homes
from tests.fuzz.targets.commands import READING, TRAINING, USING, choose

_PATH = f"checkpoints/{RUN}/latest"


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil it, or write something else into it."""
    if chance.happens(0.5):
        content = octets.spoiled(chance, homes.read("char", _PATH))
    else:
        content = chance.text().encode("utf-8", "surrogatepass")
    return Case("char", choose(chance, READING, USING, TRAINING), {_PATH: content})
