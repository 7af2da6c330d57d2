"""How durations and sizes are written."""

from __future__ import annotations

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def parse_duration(value: object) -> object:
    """Read seconds from ``90``, ``90s``, ``3m``, ``1.5h`` or ``1h30m``.

    Raises:
        ValueError: it is a text of another form.
    """
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"(\d+(\.\d+)?[hms])+", value.strip().lower()):
        try:
            return float(value)
        except ValueError:
            raise ValueError("should be a time, such as 90s, 3m or 1h30m") from None
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", value.strip().lower())
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def parse_size(value: object) -> object:
    """Read bytes from ``500``, ``64k``, ``10MB``, ``1.5 GB`` or ``2GiB``.

    Raises:
        ValueError: it is something else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt])(i?)b?", value.strip().lower()) if isinstance(value, str) else None
    if match is None:
        if isinstance(value, str) and not value.strip().isdecimal():
            raise ValueError("should be a number of bytes, such as 500, 64k, 10MB or 2GiB")
        return value
    return int(float(match[1]) * (1024 if match[3] else 1000) ** ("kmgt".index(match[2]) + 1))
