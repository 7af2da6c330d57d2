"""TOML from strangers: neither too large nor too deep, every number one that a machine has."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

from charrnn.nesting import TOO_DEEP, scalars
from charrnn.strict_file import read_file

#: Bytes of a file that a person writes.
LARGEST = 100_000
#: Full stops in a line. Python's reader takes time and memory by the square of the parts of a dotted name: half a
#: minute and ten gigabytes for a hundred kilobytes of them.
_MOST_STOPS = 200


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file; errors as those of :func:`charrnn.strict_file.read_file` and :func:`parse_toml`."""
    return parse_toml(read_file(path, LARGEST))


def parse_toml(data: bytes) -> dict[str, Any]:
    """Parse TOML in UTF-8.

    Raises:
        ValueError: it is no TOML, has a number that is none (NaN, infinity) or of more than 64 bits, or is too large or
            too deep.
    """
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST:,} bytes")
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.count(b".") > _MOST_STOPS:
            raise ValueError(f"line {number} has more than {_MOST_STOPS} full stops, as no name has, and hardly a text")
    try:
        found = tomllib.loads(data.decode())
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    for name, value in found.items():
        for each in scalars(value):
            if isinstance(each, float) and not math.isfinite(each):
                raise ValueError(f"{name[:40]} has {each} for a number")
            if isinstance(each, int) and not -(2**63) <= each < 2**63:
                raise ValueError(f"{name[:40]} has a number of more than 64 bits")
    return found
