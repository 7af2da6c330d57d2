"""``charrnn corpora check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from charrnn.cli.parameters import Json
from charrnn.errors import CharrnnError, ExitCode
from charrnn.reporting.echo import say_json


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="Recipes (default: the shipped ones and ./corpora).", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Check recipes, without fetching anything, and say what is wrong with each."""
    from charrnn.corpora.recipe.file import recipe_files

    rows = [{"name": path.stem, "file": str(path), "problem": _problem(path)} for path in files or recipe_files()]
    if json:
        say_json(rows)
    else:
        from charrnn.reporting.tables import print_table

        print_table(
            ["recipe", "file", "problem"], [[row["name"], row["file"], row["problem"] or "none"] for row in rows]
        )
    return ExitCode.TOLD_ERROR if any(row["problem"] for row in rows) else ExitCode.DONE


def _problem(path: Path) -> str | None:
    from charrnn.corpora.recipe.file import read_recipe

    try:
        read_recipe(path)
    except CharrnnError as error:
        return str(error)
    return None
