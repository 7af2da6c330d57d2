"""Values that may well be right: what a declaration allows, at its bounds and between them."""

from __future__ import annotations

from typing import Any

from charrnn.declaration import Settings
from charrnn.settings import TrainSettings
from tests.fuzz.chance import Chance

_WHOLE = (1, 2, 3, 4, 8, 16, 64)
_REAL = (0.0, 1e-30, 0.001, 0.1, 0.5, 0.9, 0.999, 1.0, 2.5)
_TEXTS = (
    "",
    "a",
    "\n",
    "lstm",
    "gru",
    "rnn",
    "char",
    "byte",
    "sentencepiece",
    "utf-8",
    "latin-1",
    "utf-16",
    "☃",
    "cpu",
)


def likely(chance: Chance, schema: dict[str, Any]) -> Any:
    """Return a value that fits what a schema of JSON says of one."""
    schema = chance.choice(schema.get("anyOf", [schema]))
    if "enum" in schema:
        return chance.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "integer":
        return _within(chance, schema, _WHOLE, 1)
    if kind == "number":
        return _within(chance, schema, _REAL, 1e-6)
    if kind == "array":
        return [likely(chance, schema["items"]) for _ in range(chance.randint(1, 3))]
    return {"boolean": chance.happens(0.5), "string": chance.choice(_TEXTS), "object": {}}.get(str(kind))


def likely_settings(chance: Chance, group: type[Settings] = TrainSettings) -> dict[str, Any]:
    """Return values for one to four settings of a group."""
    schemas = group.model_json_schema()["properties"]
    return {name: likely(chance, schemas[name]) for name in chance.sample([*schemas], k=chance.randint(1, 4))}


def _within(chance: Chance, schema: dict[str, Any], usual: tuple[Any, ...], little: float) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -little) + little)
    high = schema.get("maximum", schema.get("exclusiveMaximum", 10**9 + little) - little)
    bounds = (low, high) if chance.happens(0.2) else ()
    return chance.choice([*bounds, *(each for each in usual if low <= each <= high)] or [low])
