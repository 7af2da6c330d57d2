"""A text in colours, with a sign for each line end: on a terminal, or for a page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from charrnn.controls import printable

if TYPE_CHECKING:
    from rich.style import Style

    from charrnn.reporting.console import SafeConsole

_LINE_END = "↵"


def print_coloured(console: SafeConsole, parts: Iterable[tuple[str, Style]]) -> None:
    """Print a text that comes in parts, each in its style, and a sign for each line end."""
    from rich.text import Text

    line = Text()
    for text, style in parts:
        *whole, last = text.split("\n")
        for part in whole:
            line.append(printable(part) + _LINE_END, style)
            console.print(line, soft_wrap=True)
            line = Text()
        line.append(printable(last), style)
    if line:
        console.print(line, soft_wrap=True)


def to_html(text: str) -> str:
    """Write some of a text for a ``pre``, with a sign for each line end, of the class ``end``."""
    return escape(printable(text)).replace("\n", f'<span class="end">{_LINE_END}</span>\n')
