"""The hooks, and what an object implements of them: a plugin's module, or an observer that was given to a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pluggy

from charrnn import hookspecs
from charrnn.errors import PluginError, UsageError, near_names
from charrnn.registry import Owner

HOOKS = [name for name in dir(hookspecs) if hasattr(getattr(hookspecs, name), f"{hookspecs.PROJECT}_spec")]


class Observer(Owner):
    """An object that observes one run, as messages call it."""

    def __str__(self) -> str:
        return f"observer '{self.plugin}'"


class Implementation:
    """One function for one hook, and whose it is."""

    def __init__(self, owner: Owner, implementation: pluggy.HookImpl) -> None:
        self.owner = owner
        self._function = implementation.function
        self._names = implementation.argnames

    def __call__(self, **arguments: Any) -> None:
        """Call the function with those of the hook's arguments that it takes; raises whatever it raises."""
        self._function(*(arguments[name] for name in self._names))


def make_manager() -> pluggy.PluginManager:
    """Return a manager that knows the hooks and no plugin yet."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def read_observer(given: object) -> dict[str, Implementation]:
    """Return an object's methods by the hooks that they are for.

    Raises:
        UsageError: it has none, or one that would never be called.
    """
    if isinstance(given, type):
        raise UsageError(f"observer '{given.__name__}' is a class; give an object of it: {given.__name__}()")
    owner, manager = Observer(type(given).__name__), make_manager()
    try:
        refuse_wrappers(manager, given)
        for complaint in complaints(manager, given):
            raise UsageError(f"{owner} {complaint}")
        manager.register(given)
    except (PluginError, pluggy.PluginValidationError) as error:
        raise UsageError(f"{owner} cannot be used: {' '.join(str(error).split())}") from error
    found = {hook: getattr(manager.hook, hook).get_hookimpls() for hook in HOOKS}
    return {hook: Implementation(owner, each[0]) for hook, each in found.items() if each}


def refuse_wrappers(manager: pluggy.PluginManager, plugin: object) -> None:
    """Refuse functions around others' functions.

    Raises:
        PluginError: there is one.
    """
    for name in HOOKS:
        options = manager.parse_hookimpl_opts(plugin, name)
        if options and (options["wrapper"] or options["hookwrapper"]):
            raise PluginError(f"'{name}' is a hook wrapper, which charrnn does not call")


def complaints(manager: pluggy.PluginManager, plugin: object) -> Iterator[str]:
    """Look for what an author may have meant as a hook, and charrnn would never call."""
    marked = {name: manager.parse_hookimpl_opts(plugin, name) for name in dir(plugin)}
    for name, options in marked.items():
        if options and name not in HOOKS and not options["optionalhook"]:
            yield f"implements '{name}', which is no hook: {near_names(name, HOOKS)}"
    unmarked = [name for name in HOOKS if name in marked and not marked[name]]
    if unmarked:
        yield f"has {unmarked[0]} without a mark; write @charrnn.hookimpl above it"
    elif not any(marked.values()):
        yield f"implements no hook; write one of {', '.join(HOOKS)}, with @charrnn.hookimpl above it"
