"""``charrnn runs``."""

from __future__ import annotations

import json as json_format
import shutil
from datetime import datetime
from typing import Annotated, Any

import typer

from charrnn.cli.completion import complete_runs
from charrnn.cli.parameters import Checkpoints, Json
from charrnn.errors import CharrnnError, RunError
from charrnn.runs.find import find_run, list_runs
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.run import Run

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show and remove runs.")
_Name = Annotated[str, typer.Argument(metavar="NAME", help="A run's name or directory.", autocompletion=complete_runs)]


@app.command("list")
def list_(checkpoints: Checkpoints = None, json: Json = False) -> None:
    """List runs, the latest first."""
    rows = [_row(run) for run in list_runs(checkpoints_directory(checkpoints))]
    if json:
        typer.echo(json_format.dumps(rows))
        return
    if not rows:
        typer.echo(
            f"no runs in '{checkpoints_directory(checkpoints)}'; make one with: charrnn train CORPUS",
            err=True,
        )
        return
    from charrnn.reporting.tables import print_table

    print_table(
        ["name", "model", "corpus", "step", "validation", "saved"],
        [[row["name"], row["model"], row["corpus"], row["step"], row["nats_per_token"], row["saved"]] for row in rows],
    )


@app.command()
def show(name: _Name, checkpoints: Checkpoints = None, json: Json = False) -> None:
    """Show a run's settings, corpus and results."""
    run = find_run(name, checkpoints_directory(checkpoints))
    record = {
        "name": run.name,
        "path": str(run.path),
        "state": run.state(),
        **run.config.model_dump(mode="json"),
    }
    if json:
        typer.echo(json_format.dumps(record))
        return
    from charrnn.reporting.text import printable
    from charrnn.runs.card import model_card

    typer.echo(printable(model_card(run.name, run.config, run.state() or {"best": {}})), nl=False)


@app.command()
def rm(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    checkpoints: Checkpoints = None,
) -> None:
    """Remove a run."""
    run = find_run(name, checkpoints_directory(checkpoints))
    if not run.has_run_files():
        raise RunError(f"'{run.path}' does not look like a run, and is left alone; remove it by hand if it is one")
    if not yes:
        typer.confirm(f"Remove {run.path} and all that is in it?", abort=True, err=True)
    shutil.rmtree(run.path)
    typer.echo(f"removed {run.path}", err=True)


def _row(run: Run) -> dict[str, Any]:
    """Sum a run up; one that is damaged is listed as that."""
    try:
        config, state = run.config, run.state() or {}
    except CharrnnError as error:
        return {
            "name": run.name,
            "model": f"damaged: {error}",
            "corpus": "",
            "step": "",
            "nats_per_token": "",
            "saved": "",
        }
    settings, best = config.settings, state.get("best", {})
    saved = run.saved_at()
    return {
        "name": run.name,
        "model": f"{settings.cell} {settings.layers}x{settings.hidden}",
        "corpus": config.corpus.name,
        "step": state.get("step", 0),
        "nats_per_token": best.get("nats_per_token"),
        "saved": datetime.fromtimestamp(saved / 1e9).astimezone().isoformat(" ", "seconds") if saved else None,
    }
