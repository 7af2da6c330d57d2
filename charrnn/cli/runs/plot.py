"""``charrnn runs plot``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from charrnn.cli.parameters import Checkpoints
from charrnn.cli.runs.names import names_argument
from charrnn.errors import UsageError
from charrnn.reporting.echo import tell
from charrnn.runs.curves import UNITS, Against, Curves, NothingLoggedError, Unit, read_curves
from charrnn.runs.find import find_runs
from charrnn.runs.layout import METRICS
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.run import Run


def plot(
    runs: Annotated[list[str] | None, names_argument("the latest")] = None,
    unit: Annotated[Unit, typer.Option(help="Bits a character, or nats a token.")] = "bits",
    against: Annotated[Against, typer.Option(help="What the losses are drawn against.")] = "steps",
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a picture.", show_default=False)] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as SVG.", show_default=False)] = None,
    checkpoints: Checkpoints = None,
) -> None:
    """Plot the losses of runs: training thin, validation at each evaluation."""
    if png is not None and png == svg:
        raise UsageError(f"--png and --svg both write '{png}'; give each a file of its own")
    found = find_runs(runs or [None], checkpoints_directory(checkpoints))
    drawn = _read(found, unit, against)
    if png is None and svg is None:
        from charrnn.reporting.plot import print_plot

        print_plot(drawn, UNITS[unit], against)
        return
    from charrnn.reporting.loss_picture import write_loss_picture

    if png is not None:
        write_loss_picture(png, "png", drawn, UNITS[unit], against)
        tell(f"wrote {png}")
    if svg is not None:
        write_loss_picture(svg, "svg", drawn, UNITS[unit], against)
        tell(f"wrote {svg}")


def _read(runs: Sequence[Run], unit: Unit, against: Against) -> list[Curves]:
    """Read the curves of those runs that have some; what is left out is told."""
    drawn = []
    for number, run in enumerate(runs):
        try:
            drawn.append(read_curves(run, unit, against))
        except NothingLoggedError as error:
            if not drawn and number == len(runs) - 1:
                raise
            tell(f"left out: {error}")
    for each in drawn:
        if each.damaged:
            lines = "1 line" if each.damaged == 1 else f"{each.damaged} lines"
            tell(f"run '{each.name}': {lines} of {METRICS} cannot be read, and left out")
    return drawn
