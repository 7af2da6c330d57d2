"""Looks inside a recurrent network: ``charrnn inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charrnn import hookimpl

if TYPE_CHECKING:
    import typer


@hookimpl
def register_commands(app: typer.Typer) -> None:
    """Add the group ``inspect``."""
    import typer

    from charrnn_inspect.commands import embedding, gates, gradients, neurons, trace

    inspect = typer.Typer(
        no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Look inside a recurrent network."
    )
    inspect.add_typer(embedding.app)
    inspect.add_typer(gates.app)
    inspect.add_typer(gradients.app)
    inspect.add_typer(neurons.app)
    inspect.add_typer(trace.app)
    app.add_typer(inspect, name="inspect")
