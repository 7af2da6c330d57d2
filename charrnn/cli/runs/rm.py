"""``charrnn runs rm``."""

from __future__ import annotations

from typing import Annotated

import typer

from charrnn.cli.parameters import Checkpoints
from charrnn.cli.runs.names import Name
from charrnn.errors import RunError
from charrnn.reporting.echo import confirm, tell
from charrnn.runs.find import find_run
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.removal import remove_run, tidy_removed


def rm(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    checkpoints: Checkpoints = None,
) -> None:
    """Remove a run, unless it is being trained."""
    run = find_run(name, checkpoints_directory(checkpoints))
    if not run.has_run_files():
        raise RunError(f"'{run.path}' does not look like a run, and is left alone; remove it by hand if it is one")
    if not yes and not confirm(f"Remove {run.path} and all that is in it?", "--yes removes it without asking"):
        raise typer.Abort
    remove_run(run.path)
    tell(f"removed {run.path}")
    for path in tidy_removed(run.path.parent):
        tell(f"removed {path}, which a killed process left")
