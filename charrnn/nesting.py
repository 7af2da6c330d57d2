"""How deep a document from a stranger may be."""

from __future__ import annotations

from typing import Any

#: Objects and arrays within each other.
DEEPEST = 32
TOO_DEEP = f"it is nested more than {DEEPEST} deep"


def scalars(document: Any) -> list[Any]:
    """Return all that is neither object nor array; level by level, since recursion is what a deep document exhausts.

    Raises:
        ValueError: it is too deep.
    """
    found: list[Any] = []
    level = [document]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, list):
                below += each
            else:
                found.append(each)
        if not below:
            return found
        level = below
    raise ValueError(TOO_DEEP)
