"""A map of tokens in plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

#: What stands for a token whose name has no room.
_DOT = "·"


def draw_map(names: Sequence[str], places: NDArray[Any], width: int = 76, height: int = 24) -> str:
    """Write each name where its token lies; the first ones win a place that many would have.

    Args:
        names: ``V`` of them, of printable characters.
        places: ``[V, 2]``, to the right and up.
        width: columns.
        height: rows.
    """
    field = [[" "] * width for _ in range(height)]
    widest = max(len(_cells(name)) for name in names)
    columns = _spread(places[:, 0], max(width - widest + 1, 1))
    rows = height - 1 - _spread(places[:, 1], height)
    for name, row, column in zip(names, rows, columns, strict=True):
        _write(field[row], column, name)
    return "\n".join("".join(row).rstrip() for row in field)


def _spread(values: NDArray[Any], length: int) -> NDArray[np.int64]:
    """Return the places of values on an axis of so many cells."""
    span = np.ptp(values)
    found: NDArray[np.int64] = np.rint((values - values.min()) / (span or 1.0) * (length - 1)).astype(np.int64)
    return found


def _write(row: list[str], column: int, name: str) -> None:
    """Write a name, free on both sides, or else a dot, or else nothing."""
    cells = _cells(name)
    around = row[max(column - 1, 0) : column + len(cells) + 1]
    if column + len(cells) <= len(row) and all(cell in (" ", _DOT) for cell in around):
        row[column : column + len(cells)] = cells
    elif row[column] == " ":
        row[column] = _DOT


def _cells(name: str) -> list[str]:
    """Return what stands in each cell: in a wide sign's second one nothing, in any other the marks on its sign too."""
    cells: list[str] = []
    for sign in name:
        size = cell_len(sign)
        if not size:
            cells[-1:] = [(cells[-1] if cells else " ") + sign]
        else:
            cells += [sign, *[""] * (size - 1)]
    return cells
