"""JSON from strangers: each key once, every number finite, neither too large nor too deep."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from charrnn.nesting import DEEPEST, TOO_DEEP, scalars
from charrnn.strict_file import read_file

#: Bytes of a file of settings or figures. What they become in memory is up to thirty times as much.
LARGEST = 4_000_000
#: Digits of a number; none that we write comes near.
_LONGEST = 40


def read_json(path: Path, limit: int = LARGEST) -> Any:
    """Read a file; errors as those of :func:`charrnn.strict_file.read_file` and :func:`parse_json`."""
    return parse_json(read_file(path, limit))


def parse_json(data: bytes) -> Any:
    """Parse JSON in UTF-8.

    Raises:
        ValueError: it is no JSON, has a key twice, a number that is none (NaN, infinity) or of too many digits, or is
            too deep.
    """
    try:
        found = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_float,
            parse_int=_int,
        )
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    if data.count(b"[") + data.count(b"{") > DEEPEST:
        scalars(found)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = (Counter(name for name, _ in pairs) - Counter(found.keys())).keys()
        raise ValueError(f"it has the key {next(iter(twice))[:40]!r} twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"it has {name} for a number")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"it has a number too large for any machine, {digits[:20]}")
    return number


def _int(digits: str) -> int:
    if len(digits) > _LONGEST:
        raise ValueError(f"it has a number of {len(digits)} digits")
    return int(digits)
