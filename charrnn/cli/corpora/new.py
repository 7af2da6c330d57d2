"""``charrnn corpora new``."""

from __future__ import annotations

from typing import Annotated

import typer

from charrnn.command_line import command_line
from charrnn.reporting.echo import say, tell


def new(
    address: Annotated[str, typer.Argument(metavar="hf:OWNER/NAME[:CONFIG][@REVISION]", help="A dataset of the hub.")],
    name: Annotated[
        str | None, typer.Option(help="What the corpus is to be called (default: as the dataset).", show_default=False)
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column that holds the text.", show_default=False)] = None,
    template: Annotated[
        str | None,
        typer.Option(help="Text of a row made of several columns, such as {title}\\n{body}.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a recipe that is there.")] = False,
) -> None:
    """Write a recipe for a dataset of the hub into ./corpora, to be trained on by its name."""
    from charrnn.cli.parameters import unescape
    from charrnn.corpora.recipe.new import write_recipe

    path = write_recipe(address, name=name, column=column, template=unescape(template), force=force)
    tell(f"wrote {path}")
    say(command_line("train", path.stem))
