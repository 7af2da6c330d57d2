"""``charrnn runs list``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from charrnn.cli.parameters import Checkpoints, Json
from charrnn.cli.runs.names import tell_none
from charrnn.errors import CharrnnError
from charrnn.reporting.echo import say_json
from charrnn.runs.find import list_runs
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.run import Run


def list_(checkpoints: Checkpoints = None, json: Json = False) -> None:
    """List runs, the latest first."""
    rows = [_row(run) for run in list_runs(checkpoints_directory(checkpoints))]
    if json:
        say_json(rows)
        return
    if not rows:
        tell_none(checkpoints)
        return
    from charrnn.reporting.tables import print_table

    print_table(
        ["name", "model", "corpus", "step", "validation", "saved"],
        [[row["name"], row["model"], row["corpus"], row["step"], row["nats_per_token"], row["saved"]] for row in rows],
    )


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
