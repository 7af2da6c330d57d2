"""A recipe in ``./corpora``."""

from __future__ import annotations

from tests.fuzz import toml
from tests.fuzz.case import Case, calls
from tests.fuzz.chance import Chance
from tests.fuzz.homes import RECIPE, Homes

_HUB = {
    **{key: RECIPE[key] for key in ("summary", "licence", "language", "size")},
    "source": "hub",
    "dataset": "some/{language}",
    "column": "text",
    "parameters": {"language": "en"},
    "filter": {"kind": "prose"},
    "separator": "\n\n",
    "citation": "by hand",
    "warning": "old",
}
_COMMANDS = calls("""
corpora check
corpora check corpora/own.toml --json
corpora list
corpora list --json
corpora show own
corpora show own --json
corpora build own
plugins show own
train own --steps 1
""")


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil one of a source that is at hand, or of the hub, which is not."""
    content = toml.spoiled(chance, chance.choice((RECIPE, RECIPE, _HUB)))
    return Case("char", chance.choice(_COMMANDS), {"corpora/own.toml": content})
