"""The one way to standard output and standard error: what strangers wrote steers no terminal.

Tables and views of rich go through :class:`charrnn.reporting.console.SafeConsole`, which keeps the same promise.
"""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from charrnn.controls import printable, printable_line
from charrnn.errors import UsageError


def say(text: str = "") -> None:
    """Write a line of a result, on standard output: one line, whatever the names in it hold."""
    _write(sys.stdout, printable_line(text) + "\n")


def say_lines(text: str) -> None:
    """Write lines of a result, on standard output."""
    _write(sys.stdout, printable(text) + "\n")


def say_json(value: Any) -> None:
    """Write JSON on a line of standard output: in ASCII, with escapes for all else, and a path as its text."""
    import json

    _write(sys.stdout, json.dumps(value, default=os.fspath) + "\n")


def tell(text: str = "", end: str = "\n") -> None:
    """Write a line to the person, on standard error: one line, whatever the names in it hold."""
    _write(sys.stderr, printable_line(text) + end)


def tell_lines(text: str) -> None:
    """Write lines to the person, on standard error."""
    _write(sys.stderr, printable(text) + "\n")


def send(text: str, *, raw: bool = False, err: bool = False) -> None:
    """Write some of a text: as it is into a pipe or a file, and for a person with its control characters shown.

    Args:
        text: of a model, or of a corpus.
        raw: sends it as it is in any case.
        err: writes on standard error, which is for a person wherever it leads.
    """
    stream = sys.stderr if err else sys.stdout
    _write(stream, printable(text) if not raw and (err or stream.isatty()) else text)


def confirm(question: str, otherwise: str) -> bool:
    """Ask a person for a yes.

    Args:
        question: one that yes or no answers.
        otherwise: what to do where there is nobody to ask.

    Raises:
        UsageError: there is no answer on standard input.
    """
    tell(f"{question} [y/N]: ", end="")
    answer = sys.stdin.readline()
    if not answer:
        tell()
        raise UsageError(f"there is no answer on standard input; {otherwise}")
    return answer.strip().lower() in ("y", "yes")


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()
