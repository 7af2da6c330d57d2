"""``charrnn inspect gradients``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charrnn.reporting.echo import say, say_json, say_lines
from charrnn_inspect.commands.parameters import Checkpoints, Json, RunArgument, complete_cells
from charrnn_inspect.commands.pictures import write_pictures

if TYPE_CHECKING:
    from charrnn_inspect.gradients import Curve

app = typer.Typer(add_completion=False)

_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@app.command()
def gradients(
    run: RunArgument = None,
    cell: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A freshly initialised cell in the place of a run, on random inputs; may be given many times.",
            show_default=False,
            autocompletion=complete_cells,
        ),
    ] = None,
    distance: Annotated[int, typer.Option(metavar="K", min=1, max=10_000, help="The largest distance in time.")] = 100,
    hidden: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=65536, help="Hidden features of fresh cells (default: 64).", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=2**63 - 1, help="Of the directions, and of fresh cells and their inputs."),
    ] = 0,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a picture too.", show_default=False)] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a picture too.", show_default=False)] = None,
    checkpoints: Checkpoints = None,
    json: Json = False,
) -> None:
    """Show how the gradient vanishes or explodes with distance in time.

    The norm of the output's derivative at time T, in a random direction, by the state K steps before, relative to
    distance 0: the mean over several lanes and moments. Each layer of a run by itself, on the text that it held back,
    or cells as they are initialised, side by side:

    charrnn inspect gradients --cell rnn --cell gru --cell lstm
    """
    from charrnn.errors import UsageError

    if cell and (run is not None or checkpoints is not None):
        raise UsageError("a run has a cell of its own: give either RUN or --cell")
    if not cell and hidden is not None:
        raise UsageError(f"--hidden {hidden} is of fresh cells, and a run has its own; name a cell by --cell")
    if cell:
        from charrnn_inspect.gradients import of_fresh_cell

        features = hidden or 64
        curves = [of_fresh_cell(name, features, distance, seed) for name in dict.fromkeys(cell)]
        _show(f"fresh cells of {features} features, seed {seed}", curves, {"hidden": features}, json, svg, png)
        return
    from charrnn.runs.layout import METRICS
    from charrnn_inspect.clipping import describe, read_clipping
    from charrnn_inspect.gradients import of_layers
    from charrnn_inspect.held_back import held_back
    from charrnn_inspect.reading import open_run

    opened, model = open_run(run, checkpoints)
    curves = of_layers(model, held_back(opened), distance, seed)
    clipping, settings = read_clipping(opened.path / METRICS), opened.config.settings
    title = f"run {opened.name}, cell {settings.cell}"
    _show(title, curves, {"run": opened.name, "clipped": clipping.share}, json, svg, png)
    if not json:
        say(describe(clipping, settings))


def _show(
    title: str, curves: list[Curve], about: dict[str, object], json: bool, svg: Path | None, png: Path | None
) -> None:
    from math import isfinite

    from charrnn_inspect.figure import write_figure

    write_pictures(svg, png, lambda path, kind: write_figure(path, kind, title, curves))
    if json:
        # JSON has no word for what has grown beyond all numbers.
        numbers = {curve.name: [norm if isfinite(norm) else None for norm in curve.norms] for curve in curves}
        say_json({**about, "curves": numbers})
        return
    from charrnn.reporting.tables import print_table
    from charrnn_inspect.chart import draw

    last = len(curves[0].norms) - 1
    rows = sorted({*(each for each in _ROWS if each < last), last})
    say(title)
    print_table(
        ["distance", *(curve.name for curve in curves)],
        [[row, *(f"{curve.norms[row]:.2e}" for curve in curves)] for row in rows],
    )
    say()
    say_lines(draw({curve.name: curve.norms for curve in curves}))
