"""The process's plugins: each loaded on first use, asked in a fixed order, and kept from harming the rest."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter
from traceback import walk_tb
from typing import Any

import charrnn
from charrnn import builtin
from charrnn.errors import PluginError, UsageError, near_names
from charrnn.isolation import PASSING, raise_if_asked, reason, trace
from charrnn.plugins.hooks import Implementation, complaints, make_manager, refuse_wrappers
from charrnn.plugins.sources import FOLDER, ONLY, Builtin, File, Source, in_folder, installed, named, selected
from charrnn.registry import Entry, Owner, Registry

BUILTIN = Owner("builtin", charrnn.DISTRIBUTION, charrnn.__version__, module="charrnn", ours=True)

#: Each kind of name: the hook that offers it, what one is called, and the class that it is a subclass of.
KINDS = {
    "cells": ("register_cells", "cell", "charrnn.cells.base:Cell"),
    "tokenizers": ("register_tokenizers", "tokenizer", "charrnn.tokenizers.base:Tokenizer"),
    "corpora": ("register_corpora", "corpus", ""),
    "warpers": ("register_warpers", "warper", "charrnn.generation.warpers.base:Warper"),
}


class PluginWarning(UserWarning):
    """A plugin is broken, and it or a part of it was left out."""


@dataclass(frozen=True)
class PluginProblem:
    """What is wrong with a plugin."""

    plugin: str
    told: str


class Plugins:
    """The built-in plugin and all that are installed or named, with one registry a kind, each filled on first use.

    The built-in one comes first, then installed ones, those of the folder that ``CHARRNN_PLUGINS_DIR`` names, each by
    name, and those that were added, in their order. So does each hook call them.
    """

    def __init__(self) -> None:
        self._manager = make_manager()
        self._registries: dict[str, Registry] = {}
        self._tried: set[int] = set()
        self.problems: list[PluginProblem] = []
        #: What was added, so that another process can add the same.
        self.added: list[str] = []
        self.sources: list[Source] = [Builtin(builtin, BUILTIN)]
        for source in self._found():
            self._append(source)

    @property
    def cells(self) -> Registry:
        """Recurrent cells by name."""
        return self.registry("cells")

    @property
    def tokenizers(self) -> Registry:
        """Tokenizers by name."""
        return self.registry("tokenizers")

    @property
    def corpora(self) -> Registry:
        """Corpora by name."""
        return self.registry("corpora")

    @property
    def warpers(self) -> Registry:
        """Warpers by name."""
        return self.registry("warpers")

    def registry(self, kind: str) -> Registry:
        """Return the names of one of the :data:`KINDS`."""
        if kind not in self._registries:
            hook, single, contract = KINDS[kind]
            registry = Registry(single, contract)
            for implementation in self.implementations(hook):
                with self.isolated(implementation.owner, f"failed in {hook}"):
                    implementation(register=self._adder(registry, implementation.owner))
            self._registries[kind] = registry
        return self._registries[kind]

    def add(self, target: str | Path) -> None:
        """Add a plugin by the path of its file or the name of its module; a second time it changes nothing.

        Raises:
            UsageError: there is no such file or module, or another plugin has its name.
        """
        source = named(str(target))
        if any(isinstance(each, type(source)) and _same(each, source) for each in self.sources):
            return
        taken = self._named(source.owner.plugin)
        if taken is not None:
            raise UsageError(
                f"--plugin '{target}': the plugin '{source.owner.plugin}' is there already, from '{taken.place}'; "
                f"rename the file, or leave that one out by {ONLY}"
            )
        self.sources.append(source)
        self.added.append(str(source.path if isinstance(source, File) else target))
        self._registries.clear()

    def entries(self) -> list[Entry]:
        """Return every registered name, kind by kind."""
        return [entry for kind in KINDS for entry in self.registry(kind)]

    def find(self, name: str) -> list[Entry]:
        """Return what is registered as ``name``, or as ``kind:name``, or by the plugin of that name.

        Raises:
            UsageError: nothing is.
        """
        entries = self.entries()
        for known in (lambda each: (each.name, f"{each.kind}:{each.name}"), lambda each: (each.owner.plugin,)):
            found = [each for each in entries if name in known(each)]
            if found:
                return found
        if self._named(name) is not None:
            raise UsageError(f"the plugin '{name}' offers no cell, tokenizer, corpus or warper")
        names = {each.name for each in entries} | {each.owner.plugin for each in self.sources}
        raise UsageError(f"nothing is called '{name}', and no plugin: {near_names(name, names)}")

    def implementations(self, hook: str) -> Iterator[Implementation]:
        """Yield each plugin's function for a hook, loading those plugins that may have one."""
        for source in self.sources:
            if source.may_implement(hook):
                self._load(source)
        found = {each.plugin_name: each for each in getattr(self._manager.hook, hook).get_hookimpls()}
        for source in self.sources:
            implementation = found.get(source.owner.plugin)
            if implementation is not None:
                trace(f"{source.owner}: calling {hook}")
                yield Implementation(source.owner, implementation)

    @contextmanager
    def isolated(self, owner: Owner, doing: str) -> Iterator[None]:
        """Run a plugin's code; what it raises is told and goes no further."""
        try:
            yield
        except PASSING:
            raise
        except BaseException as error:
            self._tell(owner.plugin, f"{owner} {doing}: {reason(error)}", error)

    def fault(self, error: BaseException) -> str | None:
        """Say which plugin's code an error went through, if any, and where there; the innermost counts."""
        owners = {each.owner.module: each.owner for each in self.sources if each.owner.module and not each.owner.ours}
        found = None
        for frame, line in walk_tb(error.__traceback__):
            inside = frame.f_globals.get("__name__", "") + "."
            for module, owner in owners.items():
                if inside.startswith(f"{module.rpartition('.')[0] or module}."):
                    where = f"{frame.f_code.co_name}, {Path(frame.f_code.co_filename).name} line {line}"
                    found = f"{owner} failed in {where}: {reason(error)}"
        return found

    def _found(self) -> list[Source]:
        sources = installed()
        folder = os.environ.get(FOLDER)
        if folder:
            try:
                sources += in_folder(Path(folder).expanduser())
            except PluginError as error:
                self._tell("", str(error), error)
        kept, unknown = selected(sources, os.environ.get(ONLY))
        for each in unknown:
            self._tell("", each, PluginError(each))
        return kept

    def _append(self, source: Source) -> None:
        taken = self._named(source.owner.plugin)
        if taken is None:
            self.sources.append(source)
            return
        told = f"{source.owner} from '{source.place}' was left out: '{taken.place}' has that name already"
        self._tell(source.owner.plugin, told, PluginError(told))

    def _named(self, plugin: str) -> Source | None:
        return next((each for each in self.sources if each.owner.plugin == plugin), None)

    def _load(self, source: Source) -> None:
        """Import a plugin and register its hooks, once."""
        if id(source) in self._tried:
            return
        self._tried.add(id(source))
        began, owner = perf_counter(), source.owner
        plugin = None
        with self.isolated(owner, f"from '{source.place}' was left out"):
            found = source.load()
            refuse_wrappers(self._manager, found)
            self._manager.register(found, name=owner.plugin)
            plugin = found
        if plugin is None:
            return
        trace(f"{owner}: loaded from '{source.place}' in {1e3 * (perf_counter() - began):.0f} ms")
        for complaint in complaints(self._manager, plugin):
            self._tell(owner.plugin, f"{owner} {complaint}", PluginError(complaint))

    def _adder(self, registry: Registry, owner: Owner) -> Callable[..., None]:
        def register(name: str, target: Any, *, summary: str = "", numpy: Any = None) -> None:
            # What is wrong with one name is no reason to lose a plugin's others.
            with self.isolated(owner, f"cannot register a {registry.kind}"):
                registry.add(name, target, owner, summary, numpy)
                trace(f"{owner}: registered the {registry.kind} '{name}'")

        return register

    def _tell(self, plugin: str, told: str, error: BaseException) -> None:
        raise_if_asked(error, told)
        self.problems.append(PluginProblem(plugin, told))
        warnings.warn(told, PluginWarning, stacklevel=2)


def _same(one: Source, other: Source) -> bool:
    if isinstance(one, File) and isinstance(other, File):
        return one.path == other.path
    return one.owner == other.owner


def add_plugin(target: str | Path) -> None:
    """Load a plugin from the path of its file or the name of its module, as ``--plugin`` does.

    Raises:
        UsageError: there is no such file or module.
    """
    plugins().add(target)


@cache
def plugins() -> Plugins:
    """Return the process's plugins."""
    return Plugins()
