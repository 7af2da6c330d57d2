"""Spoils JSON: what it says, or how it is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from tests.fuzz import octets
from tests.fuzz.chance import Chance
from tests.fuzz.values import Raw

#: A list or object, and where in it something is.
Place = tuple[Any, Any]


def spoiled(chance: Chance, document: Any) -> bytes:
    """Write a document with one to three values changed, and now and then the bytes of it as well."""
    found = changed(chance, document)
    data = written(found).encode("utf-8", "surrogatepass")
    return octets.spoiled(chance, data) if chance.happens(0.1) else data


def changed(chance: Chance, document: Any) -> Any:
    """Return a document with one to three values changed."""
    if chance.happens(0.02):
        return chance.value()
    whole = [deepcopy(document)]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        # All of it is in the first place, which is left alone.
        _, *places = _places(whole)
        if not places:
            break
        container, key = chance.choice(places)
        chance.choice(_CHANGES)(chance, container, key, places)
    return whole[0]


def written(value: Any) -> str:
    """Write JSON; what is raw as it is."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def _places(container: Any) -> Iterator[Place]:
    keys = container if isinstance(container, dict) else range(len(container))
    for key in keys:
        yield container, key
        if isinstance(container[key], dict | list):
            yield from _places(container[key])


def _replace(chance: Chance, container: Any, key: Any, places: list[Place]) -> None:
    container[key] = chance.value()


def _liken(chance: Chance, container: Any, key: Any, places: list[Place]) -> None:
    container[key] = chance.like(container[key])


def _nudge(chance: Chance, container: Any, key: Any, places: list[Place]) -> None:
    container[key] = chance.nudged(container[key])


def _remove(chance: Chance, container: Any, key: Any, places: list[Place]) -> None:
    del container[key]


def _add(chance: Chance, container: Any, key: Any, places: list[Place]) -> None:
    if isinstance(container, dict):
        container[chance.text()] = chance.value()
    else:
        container.insert(key, chance.value())


def _swap(chance: Chance, container: Any, key: Any, places: list[Place]) -> None:
    other, where = chance.choice(places)
    container[key] = deepcopy(other[where])


def _twice(chance: Chance, container: Any, key: Any, places: list[Place]) -> None:
    """Give a key twice, which no object of Python can."""
    if isinstance(container, dict):
        again = f"{written(container[key])}, {written(key)}: {written(chance.value())}"
        container[key] = Raw(again)


_CHANGES: list[Callable[[Chance, Any, Any, list[Place]], None]] = [
    *(_replace, _replace, _liken, _liken, _liken, _nudge, _nudge),
    *(_remove, _add, _swap, _twice),
]
