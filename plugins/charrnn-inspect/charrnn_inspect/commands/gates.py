"""``charrnn inspect gates``."""

from __future__ import annotations

from statistics import fmean
from typing import Annotated

import typer

from charrnn.reporting.echo import say, say_json
from charrnn_inspect.commands.parameters import Checkpoints, Json, RunArgument

app = typer.Typer(add_completion=False)


@app.command()
def gates(
    run: RunArgument = None,
    tokens: Annotated[int, typer.Option(metavar="N", min=1, help="How much of that text is read, at most.")] = 5000,
    checkpoints: Checkpoints = None,
    json: Json = False,
) -> None:
    """Show how often the gates of a run's layers saturate, on the text that it held back.

    Left: the share of units and moments at which a gate is below 0.1, right: above 0.9, as in Karpathy et al. 2015,
    section 4.1. The forget gate of an LSTM or the update gate of a GRU that is mostly right-saturated remembers for
    long; one that is left-saturated makes a layer that looks at what comes in and at little else.
    """
    from dataclasses import asdict

    from charrnn_inspect.gates import has_gates, saturation
    from charrnn_inspect.held_back import held_back
    from charrnn_inspect.reading import in_lanes, open_run

    opened, model = open_run(run, checkpoints)
    cell = opened.config.settings.cell
    if not has_gates(model):
        from charrnn.errors import RunError

        raise RunError(f"run '{opened.name}' has the cell '{cell}', which shows no gates; lstm and gru do")
    ids = in_lanes(read := held_back(opened)[:tokens], len(read), 1)
    found = saturation(model, ids)
    if json:
        record = {"run": opened.name, "cell": cell, "tokens": len(ids), "gates": [asdict(each) for each in found]}
        say_json(record)
        return
    from charrnn.reporting.tables import print_table

    say(f"run {opened.name}, cell {cell}, {len(ids)} tokens of the text held back")
    print_table(
        ["layer", "gate", "left", "right", "mean"],
        [
            [each.layer, each.gate, f"{fmean(each.left):.1%}", f"{fmean(each.right):.1%}", fmean(each.mean)]
            for each in found
        ],
    )
