"""Curves over distance, with a logarithmic axis, in plain text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_MARKS = "ox+*#@%&=~"


def draw(curves: Mapping[str, Sequence[float]], width: int = 70, height: int = 16) -> str:
    """Draw curves side by side.

    Args:
        curves: by name, values at 0, 1, 2 and so on; those that are not above 0 have no place and are left out.
        width: columns of the field.
        height: rows of the field.
    """
    logs = {name: [_log(value) for value in values] for name, values in curves.items()}
    shown = [each for values in logs.values() for each in values if not math.isnan(each)]
    low, high = math.floor(min(shown)), math.ceil(max(shown))
    high += high == low
    field = [[" "] * width for _ in range(height)]
    for number, values in enumerate(logs.values()):
        for column in range(width):
            value = _between(values, column / (width - 1) * (len(values) - 1))
            if not math.isnan(value):
                row = field[round((high - value) / (high - low) * (height - 1))]
                if row[column] == " " or column % (number + 1) == 0:  # curves in one place share it
                    row[column] = _MARKS[number % len(_MARKS)]
    lines = [f"{_tick(row, height, low, high):>8} |{''.join(cells).rstrip()}" for row, cells in enumerate(field)]
    last = str(len(next(iter(logs.values()))) - 1)
    legend = "   ".join(f"{_MARKS[number % len(_MARKS)]} {name}" for number, name in enumerate(logs))
    return "\n".join(
        [*lines, f"{'':8} +{'-' * width}", f"{'':10}0{'distance':^{width - 1 - len(last)}}{last}", f"{'':10}{legend}"]
    )


def _log(value: float) -> float:
    return math.log10(value) if 0 < value < math.inf else math.nan


def _between(values: Sequence[float], at: float) -> float:
    before, after = math.floor(at), math.ceil(at)
    return (after - at) * values[before] + (at - before) * values[after] if after > before else values[before]


def _tick(row: int, height: int, low: int, high: int) -> str:
    """Name a row: the first, the last and each third between them."""
    if row not in (0, height - 1) and row % 3:
        return ""
    return f"{10 ** (high - row / (height - 1) * (high - low)):.0e}"
