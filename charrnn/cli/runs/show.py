"""``charrnn runs show``."""

from __future__ import annotations

from charrnn.cli.parameters import Checkpoints, Json
from charrnn.cli.runs.names import Name
from charrnn.reporting.echo import say_json, say_lines
from charrnn.runs.find import find_run
from charrnn.runs.place import checkpoints_directory


def show(name: Name, checkpoints: Checkpoints = None, json: Json = False) -> None:
    """Show a run's settings, corpus and results."""
    run = find_run(name, checkpoints_directory(checkpoints))
    record = {
        "name": run.name,
        "path": str(run.path),
        "state": run.state(),
        **run.config.model_dump(mode="json"),
    }
    if json:
        say_json(record)
        return
    from charrnn.runs.card import model_card

    say_lines(model_card(run.name, run.config, run.state() or {"best": {}}).rstrip("\n"))
