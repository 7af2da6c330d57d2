"""Searches hyperparameters: ``charrnn tune``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charrnn import hookimpl

if TYPE_CHECKING:
    import typer


@hookimpl
def register_commands(app: typer.Typer) -> None:
    """Add the command ``tune``."""
    from charrnn_tune.lazy import LazyCommand

    @app.command(cls=LazyCommand)
    def tune() -> None:
        """Search the hyperparameters that suit a corpus."""
