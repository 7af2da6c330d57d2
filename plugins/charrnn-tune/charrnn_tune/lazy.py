"""A command whose flags are made when it is called."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand


class LazyCommand(TyperCommand):
    """Stands in lists of commands for the real one, whose flags are made by pydantic: ``charrnn --help`` has none."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Let the real command read its arguments; what is called afterwards is the context's command, the real one."""
        from charrnn_tune.command import app

        command = typer.main.get_command(app)
        known = {each.name for each in command.params}
        # What charrnn gave this command, such as --plugin, is before all the real one's.
        command.params += [each for each in self.params if each.name not in known]
        return command.make_context(*arguments, **more)
