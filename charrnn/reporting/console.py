"""The rich console, with what a pipe needs."""

from __future__ import annotations

import sys

from rich.console import Console


class PipeConsole(Console):
    """Leaves a closed pipe to the one place that ends the program quietly; rich itself would exit with a failure."""

    def on_broken_pipe(self) -> None:
        """Pass it on."""
        raise BrokenPipeError


def make_console() -> Console:
    """Return one for standard output: as wide as the terminal, or as what is printed."""
    return PipeConsole(highlight=False) if sys.stdout.isatty() else PipeConsole(highlight=False, width=10_000)
