"""``charrnn runs``: one thin file a command."""

from __future__ import annotations

import typer

from charrnn.cli.runs.compare import compare
from charrnn.cli.runs.listing import list_
from charrnn.cli.runs.plot import plot
from charrnn.cli.runs.rm import rm
from charrnn.cli.runs.show import show
from charrnn.cli.runs.verify import verify_

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show, plot, compare, verify and remove runs.")
app.command("list")(list_)
app.command()(show)
app.command()(plot)
app.command()(compare)
app.command("verify")(verify_)
app.command()(rm)
