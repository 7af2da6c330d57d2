"""Spoils TOML: recipes and settings."""

from __future__ import annotations

import json
from typing import Any

from tests.fuzz import document, octets
from tests.fuzz.chance import Chance
from tests.fuzz.values import Raw

#: What TOML has and JSON lacks.
_OWN = (
    *(Raw("nan"), Raw("-inf"), Raw("1979-05-27"), Raw("07:32:00"), Raw("1979-05-27T07:32:00-08:00"), Raw("1_000")),
    *(Raw("0xdeadbeef"), Raw("'''\n'''"), Raw('"""\x1b[2J"""'), Raw("1e999"), Raw("[1, 'a', 2.0]"), Raw("{a.b = 1}")),
)


def spoiled(chance: Chance, table: dict[str, Any]) -> bytes:
    """Write a table with some of its values changed, and now and then the bytes of it as well."""
    found = document.changed(chance, table)
    if isinstance(found, dict) and found and chance.happens(0.2):
        found[chance.choice([*found])] = chance.choice(_OWN)
    data = written(found).encode("utf-8", "surrogatepass")
    return octets.spoiled(chance, data) if chance.happens(0.2) else data


def written(table: Any) -> str:
    """Write a table, one key a line."""
    if not isinstance(table, dict):
        return _value(table)
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return "''" if value is None else json.dumps(value) if isinstance(value, bool) else repr(value)


def _key(key: Any) -> str:
    return str(key) if isinstance(key, Raw) else json.dumps(key, ensure_ascii=False)
