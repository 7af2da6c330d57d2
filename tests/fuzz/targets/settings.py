"""A file of settings for ``train --config``."""

from __future__ import annotations

import json

from tests.fuzz import toml
from tests.fuzz.case import Case, calls
from tests.fuzz.chance import Chance
from tests.fuzz.homes import RUN, Homes
from tests.fuzz.likely import likely_settings

_PATH = "settings.toml"
#: What a run's settings hold that says nothing here, or contradicts what the command line says.
_LEFT_OUT = {"steps", "sample_bytes", "shuffle_buffer"}
_COMMANDS = calls("""
train words.txt --config settings.toml --steps 1
train words.txt --config settings.toml --steps 1 --json --name b
train --resume --config settings.toml
""")


def make(chance: Chance, homes: Homes) -> Case:
    """Change settings of a small run, and spoil some; what they ask for is a person's own."""
    whole = json.loads(homes.read("char", f"checkpoints/{RUN}/config.json"))["settings"]
    given = {key: value for key, value in whole.items() if key not in _LEFT_OUT} | likely_settings(chance)
    given = {key: value for key, value in given.items() if value is not None}
    content = toml.spoiled(chance, given) if chance.happens(0.5) else toml.written(given).encode()
    return Case("char", chance.choice(_COMMANDS), {_PATH: content}, asks=True)
