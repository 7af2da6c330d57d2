"""Where plugins touch the command line: ``--plugin`` on every command, and the commands that they add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Annotated, Any

import typer

from charrnn.errors import PluginError
from charrnn.plugins import plugins
from charrnn.registry import Owner


def takes_plugins(command: Any) -> Any:
    """Give a command, and those below it, the option ``--plugin``, which takes effect before all others."""
    for below in getattr(command, "commands", {}).values():
        if below is not None:
            takes_plugins(below)
    command.params.append(_option())
    return command


@cache
def _option() -> Any:
    """Let Typer make the option, on a command that is made for nothing else."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def _(
        plugin: Annotated[
            list[str] | None,
            typer.Option(
                callback=_add,
                is_eager=True,
                expose_value=False,
                metavar="FILE.py|MODULE",
                help="Load a plugin from a file or module; may be given many times.",
            ),
        ] = None,
    ) -> None: ...

    return typer.main.get_command(app).params[0]


def _add(targets: list[str] | None) -> None:
    for target in targets or ():
        plugins().add(target)


class PluginCommands(Mapping[str, Any]):
    """The commands that plugins add, each by its name, asked for on first use.

    Args:
        taken: names that are no plugin's to take.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._owners: dict[str, Owner] = {}

    def __getitem__(self, name: str) -> Any:
        return self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    @cached_property
    def _commands(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for implementation in plugins().implementations("register_commands"):
            # An app for each, so that it is known whose a command is, and one that cannot be built harms no other.
            app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
            with plugins().isolated(implementation.owner, "failed in register_commands"):
                implementation(app=app)
                for name, command in typer.main.get_group(app).commands.items():
                    self._add(found, name, command, implementation.owner)
        return found

    def _add(self, found: dict[str, Any], name: str, command: Any, owner: Owner) -> None:
        with plugins().isolated(owner, "cannot register a command"):
            if name in self._taken or name in found:
                whose = self._owners.get(name) or "charrnn itself"
                raise PluginError(f"the command '{name}' is {whose}'s already, and stays that")
            found[name] = takes_plugins(command)
            self._owners[name] = owner
