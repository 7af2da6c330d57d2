"""The names of runs on the command line of ``charrnn runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from charrnn.cli.completion import complete_runs
from charrnn.reporting.echo import tell
from charrnn.runs.place import checkpoints_directory

Name = Annotated[str, typer.Argument(metavar="NAME", help="A run's name or directory.", autocompletion=complete_runs)]


def names_argument(default: str) -> Any:
    """Return the argument of a command that takes several runs; ``default`` says which where none is named."""
    return typer.Argument(
        metavar="RUN",
        help=f"Runs' names or directories (default: {default}).",
        show_default=False,
        autocompletion=complete_runs,
    )


def tell_none(checkpoints: Path | None) -> None:
    """Say that there are no runs, and how to make one."""
    tell(f"no runs in '{checkpoints_directory(checkpoints)}'; make one with: charrnn train CORPUS")
