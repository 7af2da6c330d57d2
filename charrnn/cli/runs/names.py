"""The names of runs on the command line of ``charrnn runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charrnn.cli.completion import complete_runs
from charrnn.runs.place import checkpoints_directory

Name = Annotated[str, typer.Argument(metavar="NAME", help="A run's name or directory.", autocompletion=complete_runs)]


def tell_none(checkpoints: Path | None) -> None:
    """Say that there are no runs, and how to make one."""
    typer.echo(f"no runs in '{checkpoints_directory(checkpoints)}'; make one with: charrnn train CORPUS", err=True)
