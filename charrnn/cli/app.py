"""The program's commands, each imported only when it is called, and those that plugins add."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

import charrnn
from charrnn.cli.plugging import PluginCommands, takes_plugins
from charrnn.reporting.echo import say

PROGRAM = "charrnn"

#: Each command's one line of help; its module is ``charrnn.cli.NAME``, with a Typer ``app`` in it.
COMMANDS = {
    "train": "Train a model on a corpus.",
    "sample": "Write text with a trained model.",
    "score": "Measure how likely a text is to a model.",
    "eval": "Measure how well a model predicts a corpus.",
    "runs": "List, show, plot, compare, verify and remove runs.",
    "corpora": "List, show and build corpora.",
    "plugins": "List, show, make and check plugins.",
}


class OutputClosedError(Exception):
    """Whoever read our output has enough."""


class LazyGroup(TyperGroup):
    """Lists its own commands without importing them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._added = PluginCommands(COMMANDS)
        # The names, for suggestions; get_command fills in the rest.
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer's
        """Name every command, our own first."""
        return [*COMMANDS, *self._added]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is Typer's
        """Import a command."""
        if cmd_name not in COMMANDS:
            command = self._added.get(cmd_name)
            self.commands |= dict.fromkeys(self._added)
            return command
        if self.commands.get(cmd_name) is None:
            module = import_module(f"charrnn.cli.{cmd_name}")
            command = typer.main.get_command(module.app)
            command.name = cmd_name
            self.commands[cmd_name] = takes_plugins(command)
        return self.commands[cmd_name]

    def invoke(self, ctx: Any) -> Any:
        """Call the command; a closed pipe is made known under a name that Typer does not take for a failure."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise OutputClosedError from None
        return result

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is Typer's
        """List names and help, our own from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        if self._added:
            with formatter.section("Commands of plugins"):
                formatter.write_dl([(name, each.get_short_help_str(60)) for name, each in self._added.items()])


def make_app() -> Any:
    """Return the program as a command. Its own help is plain text: a rich one would take twice as long to show."""
    app = typer.Typer(
        cls=LazyGroup,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback()(_program)
    return takes_plugins(typer.main.get_command(app))


def _version(asked: bool) -> None:
    if asked:
        say(f"{PROGRAM} {charrnn.__version__}")
        raise typer.Exit


def _program(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Train character-level recurrent networks, and write text with them.

    \b
      charrnn train CORPUS          a text file, a folder, hf:OWNER/NAME, or a name
                                    from: charrnn corpora list
      charrnn sample --temp 0.8     text from the latest run
    """
