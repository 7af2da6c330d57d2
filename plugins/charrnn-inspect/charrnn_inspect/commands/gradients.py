"""``charrnn inspect gradients``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from charrnn_inspect.commands.parameters import Checkpoints, Json, RunArgument, complete_cells

if TYPE_CHECKING:
    from charrnn.runs.run import Run
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
    from charrnn_inspect.clipping import clipped_share
    from charrnn_inspect.gradients import of_layers
    from charrnn_inspect.held_back import held_back
    from charrnn_inspect.reading import open_run

    opened, model = open_run(run, checkpoints)
    curves = of_layers(model, held_back(opened), distance, seed)
    clipped = clipped_share(opened.path / "metrics.jsonl")
    title = f"run {opened.name}, cell {opened.config.settings.cell}"
    _show(title, curves, {"run": opened.name, "clipped": clipped}, json, svg, png)
    if not json:
        typer.echo(_clipping(opened, clipped))


def _show(
    title: str, curves: list[Curve], about: dict[str, object], json: bool, svg: Path | None, png: Path | None
) -> None:
    import json as json_format

    for kind, path in (("svg", svg), ("png", png)):
        if path is not None:
            from charrnn_inspect.figure import write_figure

            write_figure(path, kind, title, curves)
            typer.echo(f"wrote {path}", err=True)
    if json:
        typer.echo(json_format.dumps({**about, "curves": {curve.name: curve.norms for curve in curves}}))
        return
    from charrnn.reporting.tables import print_table
    from charrnn_inspect.chart import draw

    last = len(curves[0].norms) - 1
    rows = sorted({*(each for each in _ROWS if each < last), last})
    typer.echo(title)
    print_table(
        ["distance", *(curve.name for curve in curves)],
        [[row, *(f"{curve.norms[row]:.2e}" for curve in curves)] for row in rows],
    )
    typer.echo()
    typer.echo(draw({curve.name: curve.norms for curve in curves}))


def _clipping(run: Run, clipped: float | None) -> str:
    limit = run.config.settings.clip
    if not limit:
        return "clipping: none, by --clip 0"
    if clipped is None:
        return "clipping: not known; this run was trained by a charrnn that did not write it down"
    return f"clipping: {clipped:.1%} of the optimizer steps had a gradient clipped to norm {limit:g}"
