"""Tables on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from charrnn.controls import printable_line

#: Columns of the terminal between two of a table.
_PADDING = 3


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under their headings; into a pipe, as wide as they are."""
    import sys

    from rich import box
    from rich.table import Table

    from charrnn.reporting.console import make_console

    console = make_console()
    table = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*map(_shown, row))
    console.print(table)


def print_wide_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; one that is too wide for the terminal in parts, each of which begins with the first column."""
    from charrnn.reporting.console import make_console

    widths = [max(cell_len(_shown(each)) for each in column) + _PADDING for column in zip(columns, *rows, strict=True)]
    room = make_console().width
    parts: list[list[int]] = [[0]]
    for number in range(1, len(columns)):
        if len(parts[-1]) > 1 and sum(widths[each] for each in (*parts[-1], number)) > room:
            parts.append([0])
        parts[-1].append(number)
    for part in parts:
        print_table([columns[each] for each in part], [[row[each] for each in part] for row in rows])


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else printable_line(str(value))
