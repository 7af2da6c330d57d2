"""The ``config.json`` of a run."""

from __future__ import annotations

from typing import Any

from charrnn.runs.layout import CONFIG
from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.forgery import sealed, unsealed
from tests.fuzz.homes import HOMES, Homes
from tests.fuzz.likely import likely_settings
from tests.fuzz.targets.commands import READING, TRAINING, USING
from tests.fuzz.targets.spoiled_run import PLACE, spoiled_run

_PATH = f"{PLACE}/{CONFIG}"


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil it, by what it says most of the time."""
    home = chance.choice([*HOMES])
    if chance.happens(0.15):
        content = octets.spoiled(chance, homes.read(home, _PATH))
    else:
        config = unsealed(homes, home, _PATH)
        if chance.happens(0.5):
            chance.choice(_CHANGES)(chance, config)
        content = sealed(document.spoiled(chance, config) if chance.happens(0.8) else document.written(config).encode())
    return spoiled_run(chance, homes, home, {_PATH: content}, READING, USING, TRAINING)


def _other_settings(chance: Chance, config: dict[str, Any]) -> None:
    """Choose settings that may well be, though not with these weights."""
    config["settings"] |= likely_settings(chance)


def _other_text(chance: Chance, config: dict[str, Any]) -> None:
    """Name tokens that are not there, so that the text is looked for, wherever that is said to be."""
    config["corpus"] |= {"pack": "0" * 32, "address": chance.text()}


def _other_tokens(chance: Chance, config: dict[str, Any]) -> None:
    """Count more tokens than there are."""
    held_back = config["corpus"]["validation"]
    split = config["corpus"]["splits"][held_back["split"]]
    split["tokens"] *= 2
    held_back["stop"] = split["tokens"]


_CHANGES = (_other_settings, _other_text, _other_tokens)
