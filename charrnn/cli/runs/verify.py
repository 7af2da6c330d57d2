"""``charrnn runs verify``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from charrnn.cli.parameters import Checkpoints, Json
from charrnn.cli.runs.names import names_argument, tell_none
from charrnn.errors import ExitCode, RunError
from charrnn.reporting.echo import say_json, tell
from charrnn.runs.find import find_runs, list_runs
from charrnn.runs.mending import mend
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.run import Run
from charrnn.runs.verification import Findings, verify


def verify_(
    runs: Annotated[list[str] | None, names_argument("all")] = None,
    mend_: Annotated[
        bool,
        typer.Option("--mend", help="Make again what can be, and let the newest whole save count."),
    ] = False,
    checkpoints: Checkpoints = None,
    json: Json = False,
) -> int:
    """Compare every file of runs with what was written: what is damaged, and what can still be used.

    The exit code is 1 where something is damaged.
    """
    directory = checkpoints_directory(checkpoints)
    chosen = find_runs(runs, directory) if runs else list_runs(directory)
    if not chosen and not json:
        tell_none(checkpoints)
    mended = [_mended(run) for run in chosen] if mend_ else []
    found = [verify(run) for run in chosen]
    if json:
        say_json([_record(each) for each in found])
    else:
        from charrnn.reporting.verification import print_findings

        for each in found:
            print_findings(each)
    well = all(mended) and not any(each.damage for each in found)
    return ExitCode.DONE if well else ExitCode.TOLD_ERROR


def _mended(run: Run) -> bool:
    """Mend a run, and tell what was done, or why it was not: others come after it."""
    try:
        for done in mend(run):
            tell(done)
    except RunError as error:
        tell(f"run '{run.name}' is not mended: {error}")
        return False
    return True


def _record(found: Findings) -> dict[str, Any]:
    return {
        "run": found.run.name,
        "format": found.format,
        "checked": found.checked,
        "damage": [{"file": str(each.path), "problem": each.problem, "harm": each.harm} for each in found.damage],
        "whole_saves": found.whole,
        "latest": found.latest,
        "in_use_by": found.holder,
        "left": [str(each) for each in found.left],
        "generates": found.generates,
        "trains": found.trains,
    }
