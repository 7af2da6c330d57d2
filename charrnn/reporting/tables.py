"""Tables on standard output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from charrnn.reporting.text import printable


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under their headings; into a pipe, as wide as they are."""
    import sys

    from rich import box
    from rich.table import Table
    from rich.text import Text

    from charrnn.reporting.console import make_console

    console = make_console()
    table = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*[Text(printable(_shown(value))) for value in row])
    console.print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
