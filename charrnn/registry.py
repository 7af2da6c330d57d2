"""From a name on the command line to the object behind it, and to whom it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from charrnn.errors import PluginError, UsageError, near_names


@dataclass(frozen=True)
class Owner:
    """The plugin that registered a name, and the installed distribution that it came in."""

    plugin: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Entry:
    """One registered name. ``target`` is an object, or ``"package.module:Name"`` until it is loaded."""

    kind: str
    name: str
    target: Any
    summary: str
    owner: Owner

    def load(self) -> Any:
        """Import the target.

        Raises:
            PluginError: the string does not lead to an object.
        """
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except Exception as error:  # whatever a stranger's module raises on import
            raise PluginError(
                f"{self.kind} '{self.name}' of plugin '{self.owner.plugin}' cannot be loaded from "
                f"'{self.target}': {error}; mend or remove that plugin"
            ) from error


class Registry:
    """The names of one kind: cells, tokenizers or corpora."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, target: Any, owner: Owner, summary: str = "") -> None:
        """Register a name.

        Raises:
            PluginError: the name is taken. Names go into checkpoints, so the first owner keeps it.
        """
        taken = self._entries.get(name)
        if taken:
            raise PluginError(
                f"plugin '{owner.plugin}' registers the {self.kind} '{name}', which is plugin "
                f"'{taken.owner.plugin}'s already; that one is kept"
            )
        self._entries[name] = Entry(self.kind, name, target, summary, owner)

    def __getitem__(self, name: str) -> Entry:
        """Look a name up.

        Raises:
            UsageError: nobody registered it; the message gives the near names.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise UsageError(f"no {self.kind} is called '{name}': {near_names(name, self._entries)}")
        return entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self._entries.values(), key=lambda entry: entry.name))
