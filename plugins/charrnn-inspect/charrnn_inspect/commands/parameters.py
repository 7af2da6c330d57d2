"""Parameters that the commands share; charrnn's own are made by pydantic, which its help does without."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def complete_runs(incomplete: str) -> list[tuple[str, str]]:
    """Offer the runs, the latest first."""
    from charrnn.cli.completion import complete_runs

    return complete_runs(incomplete)


def complete_cells(incomplete: str) -> list[tuple[str, str]]:
    """Offer the registered cells."""
    from charrnn.cli.completion import completes

    return completes("cells")(incomplete)


RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run's name or directory (default: the latest).",
        show_default=False,
        autocompletion=complete_runs,
    ),
]
Checkpoints = Annotated[
    Path | None,
    typer.Option(
        help="Directory of the runs (default: CHARRNN_CHECKPOINTS, else ./checkpoints).",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
