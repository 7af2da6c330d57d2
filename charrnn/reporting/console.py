"""The rich console: rich's own styles steer the terminal, and nothing that is printed in them does."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from charrnn.controls import printable


class SafeConsole(Console):
    """Takes strings as they are, without markup, and shows control characters instead of sending them.

    A closed pipe is left to the one place that ends the program quietly; rich itself would exit with a failure.
    """

    def __init__(self, **how: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **how)

    def render_str(self, text: str, **how: Any) -> Text:
        """Make a string a text before it is measured: a picture takes a column, and what it shows takes none."""
        return super().render_str(printable(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Let through what rich sends to steer the terminal, and show it in what comes as text."""
        for segment in super().render(renderable, options):
            yield segment if segment.is_control else segment._replace(text=printable(segment.text))

    def on_broken_pipe(self) -> None:
        """Pass it on."""
        raise BrokenPipeError


def make_console() -> SafeConsole:
    """Return one for standard output: as wide as the terminal, or as what is printed."""
    return SafeConsole() if sys.stdout.isatty() else SafeConsole(width=10_000)
