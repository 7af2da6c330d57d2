"""``charrnn corpora``: one thin file a command."""

from __future__ import annotations

import typer

from charrnn.cli.corpora.build import build
from charrnn.cli.corpora.cache import app as cache
from charrnn.cli.corpora.check import check
from charrnn.cli.corpora.listing import list_
from charrnn.cli.corpora.new import new
from charrnn.cli.corpora.show import show

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, show, declare, check and build corpora.")
app.command("list")(list_)
app.command()(show)
app.command()(new)
app.command()(check)
app.command()(build)
app.add_typer(cache, name="cache")
