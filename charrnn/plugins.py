"""Finds and loads plugins, and asks each for what it registers. A broken one is told of, and the rest go on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from importlib.metadata import Distribution, entry_points
from typing import Any

import pluggy

import charrnn
from charrnn import builtin, hookspecs
from charrnn.errors import PluginError
from charrnn.registry import Owner, Registry

BUILTIN = Owner(plugin="builtin", distribution=charrnn.DISTRIBUTION, version=charrnn.__version__)


class PluginWarning(UserWarning):
    """A plugin is broken and was left out."""


class Plugins:
    """The built-in plugin and all installed ones, with one registry a kind, each filled on first use."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._owners: dict[str, Owner] = {}
        self._registries: dict[str, Registry] = {}
        self._register(builtin, BUILTIN)
        for point in sorted(entry_points(group=hookspecs.PROJECT), key=lambda each: each.name):
            try:
                self._register(point.load(), _owner(point.name, point.dist))
            # Whatever a stranger's module raises on import, it must not end the program.
            except Exception as error:
                _warn(f"plugin '{point.name}' ({point.value}) was left out: {_reason(error)}")

    @property
    def cells(self) -> Registry:
        """Recurrent cells by name."""
        return self._registry("cell", "register_cells")

    @property
    def tokenizers(self) -> Registry:
        """Tokenizers by name."""
        return self._registry("tokenizer", "register_tokenizers")

    @property
    def corpora(self) -> Registry:
        """Corpora by name."""
        return self._registry("corpus", "register_corpora")

    def _register(self, plugin: object, owner: Owner) -> None:
        self._manager.register(plugin, name=owner.plugin)
        self._owners[owner.plugin] = owner

    def _registry(self, kind: str, hook: str) -> Registry:
        if kind not in self._registries:
            registry = self._registries[kind] = Registry(kind)
            # One implementation at a time, the oldest first (pluggy lists them newest last),
            # so that what one of them raises is known to be its own.
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                try:
                    implementation.function(_adder(registry, self._owners[implementation.plugin_name]))
                except Exception as error:
                    _warn(f"plugin '{implementation.plugin_name}' failed in {hook}: {_reason(error)}")
        return self._registries[kind]


def _adder(registry: Registry, owner: Owner) -> Callable[..., None]:
    def register(name: str, target: Any, *, summary: str = "") -> None:
        registry.add(name, target, owner, summary)

    return register


def _owner(plugin: str, distribution: Distribution | None) -> Owner:
    if distribution is None:
        return Owner(plugin, distribution="", version="")
    return Owner(plugin, distribution.name, distribution.version)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}"


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=3)


@cache
def plugins() -> Plugins:
    """Return the process's plugins, loaded once."""
    return Plugins()
