"""The manifest of a save, and what names the save that counts."""

from __future__ import annotations

from charrnn.runs.layout import LATEST, MANIFEST
from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.forgery import sealed, unsealed
from tests.fuzz.homes import Homes
from tests.fuzz.targets.commands import READING, TRAINING, USING
from tests.fuzz.targets.spoiled_run import PLACE, spoiled_run

_HOME = "char"


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil one of the two."""
    path = homes.find(_HOME, f"{PLACE}/saves/*/{MANIFEST}")
    content = homes.read(_HOME, path)
    kind = chance.random()
    if kind < 0.6:
        content = sealed(document.spoiled(chance, unsealed(homes, _HOME, path)))
    elif kind < 0.75:
        content = octets.spoiled(chance, content)
    else:
        path = f"{PLACE}/{LATEST}"
        pointer = homes.read(_HOME, path)
        content = octets.spoiled(chance, pointer) if chance.happens(0.5) else _other_name(chance, pointer)
    return spoiled_run(chance, homes, _HOME, {path: content}, READING, USING, TRAINING)


def _other_name(chance: Chance, pointer: bytes) -> bytes:
    name, _, seal = pointer.partition(b" ")
    named = chance.choice((name + b"-again", b"../" + name, chance.text().encode("utf-8", "surrogatepass")))
    return named + b" " + seal
