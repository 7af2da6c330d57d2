"""``charrnn inspect trace``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charrnn.reporting.echo import say, say_json
from charrnn_inspect.commands.parameters import Json

app = typer.Typer(add_completion=False)


@app.command()
def trace(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT|NUMBERS",
            help="Characters, each one input; with --weights numbers, such as 1,2,3, instead of the file's.",
            show_default=False,
        ),
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(metavar="rnn|gru|lstm", help="The cell of a TEXT (default: rnn).", show_default=False),
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=64, help="Its features (default: 2).", show_default=False)
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(metavar="tanh|sigmoid|relu", help="Of rnn (default: tanh).", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=2**63 - 1, help="Of its weights (default: 0).", show_default=False),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A TOML or JSON file: W_xh, W_hh, b_h, inputs, activation, ...", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write down every number of each step of a small cell, as the formulas have them.

    Of a new cell that reads the characters of TEXT, each one-hot, or of one whose weights are in a file:

    charrnn inspect trace hello --cell gru --hidden 2

    charrnn inspect trace 1,2,3,4 --weights example.toml
    """
    from charrnn.errors import UsageError

    given = {"--cell": cell, "--hidden": hidden, "--activation": activation, "--seed": seed}
    named = [name for name, value in given.items() if value is not None]
    if weights is not None and named:
        raise UsageError(f"{named[0]} is of a new cell; with --weights the file says it all")
    if weights is None and what is None:
        raise UsageError("give a TEXT, such as: charrnn inspect trace hello, or --weights FILE")
    from charrnn_inspect.example import of_text
    from charrnn_inspect.trace import trace as traced
    from charrnn_inspect.weights_file import read_example

    if weights is not None:
        example = read_example(weights, what)
    else:
        example = of_text(what or "", cell or "rnn", hidden or 2, seed or 0, activation)
    found = traced(example.cell, example.weights, example.inputs, example.start, example.activation)
    if json:
        from charrnn_inspect.working import record

        say_json(record(example, found))
        return
    from charrnn_inspect.working import lay_out

    for line in lay_out(example, found):
        say(line)
