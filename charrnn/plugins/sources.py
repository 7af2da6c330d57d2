"""Where plugins come from: installed distributions, a folder that the person names, files and modules by ``--plugin``.

Nothing is run because it lies in the working directory: only what is installed or named.
"""

from __future__ import annotations

import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distribution, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from charrnn.errors import PluginError, UsageError, near_names
from charrnn.hookspecs import PROJECT
from charrnn.plugins.requirement import check_requirements, file_requirements
from charrnn.registry import Owner

#: A folder whose files and packages are all plugins.
FOLDER = "CHARRNN_PLUGINS_DIR"
#: Which of the installed plugins and those of the folder are loaded: unset all, empty none, a comma list only those.
ONLY = "CHARRNN_LOAD_PLUGINS"


class Source(ABC):
    """A plugin that was found and not loaded yet.

    Attributes:
        owner: what it is called and came in.
        place: where it is, for a message.
    """

    owner: Owner
    place: str

    @abstractmethod
    def load(self) -> object:
        """Import the plugin, if it was built for this charrnn; raises whatever its code raises."""

    def may_implement(self, hook: str) -> bool:  # noqa: ARG002 - who cannot tell says yes
        """Tell, without running it, whether the plugin may implement a hook."""
        return True


class Builtin(Source):
    """A module of charrnn itself."""

    def __init__(self, module: ModuleType, owner: Owner) -> None:
        self._module = module
        self.owner = owner
        self.place = module.__name__

    def load(self) -> object:
        """Return the module."""
        return self._module


class Installed(Source):
    """An entry point of an installed distribution."""

    def __init__(self, point: EntryPoint) -> None:
        self._point = point
        self.owner, self._requirements = _owner(_plain(point.name), point.dist, point.module)
        self.place = point.value

    def load(self) -> object:
        """Import what the entry point names."""
        check_requirements(self._requirements)
        return self._point.load()


class Module(Source):
    """A module that Python finds by its name."""

    def __init__(self, name: str) -> None:
        self.owner, self._requirements = _owner(name, _distribution_of(name), name)
        self.place = name

    def load(self) -> object:
        """Import the module."""
        check_requirements(self._requirements)
        return import_module(self.owner.module)


class File(Source):
    """A Python file, or a package's folder, that was named."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._code = self.path / "__init__.py" if self.path.is_dir() else self.path
        self.place = str(path)
        # A name of its own in sys.modules, so that it cannot stand in for another module.
        module = "charrnn_plugin_" + re.sub(r"\W", "_", self.path.stem)
        self.owner = Owner(_plain(self.path.stem), module=module)

    @cached_property
    def _text(self) -> str:
        try:
            return self._code.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""  # loading it will say why

    def may_implement(self, hook: str) -> bool:
        """Look whether a single file speaks of commands: the help need not run one that does not."""
        return hook != "register_commands" or self.path.is_dir() or hook in self._text

    def load(self) -> object:
        """Run the file as a module."""
        check_requirements(file_requirements(self._text))
        name = self.owner.module
        folders = [str(self.path)] if self.path.is_dir() else None
        spec = spec_from_file_location(name, self._code, submodule_search_locations=folders)
        if spec is None or spec.loader is None:
            raise PluginError(f"'{self.path}' is no Python file")
        module = sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


def installed() -> list[Source]:
    """Return the installed plugins, by name."""
    points = entry_points(group=PROJECT)
    return [Installed(each) for each in sorted(points, key=lambda each: (each.name, each.value))]


def in_folder(folder: Path) -> list[Source]:
    """Return the plugins in a folder, by name.

    Raises:
        PluginError: there is no such folder.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise PluginError(f"{FOLDER} '{folder}': {error.strerror}; name a folder of plugins, or unset it") from error
    return [File(each) for each in paths if each.name[0] not in "._" and _is_python(each)]


def named(target: str) -> Source:
    """Return the plugin that ``--plugin`` names: a file, or a module.

    Raises:
        UsageError: there is neither.
    """
    path = Path(target).expanduser()
    if path.suffix == ".py" or os.sep in target or "/" in target:
        if not path.exists():
            raise UsageError(f"--plugin '{target}': there is no such file")
        if not _is_python(path):
            raise UsageError(f"--plugin '{target}': should be a .py file, or the folder of a package")
        return File(path)
    try:
        found = find_spec(target)
    except (ImportError, ValueError, AttributeError):
        found = None
    if found is None:
        beside = (
            f"'{target}.py' in this folder is named as --plugin {target}.py" if Path(f"{target}.py").exists() else ""
        )
        raise UsageError(
            f"--plugin '{target}': there is no such module; {beside or 'install it, or give the path of a .py file'}"
        )
    return Module(target)


def selected(sources: Iterable[Source], names: str | None) -> tuple[list[Source], list[str]]:
    """Keep those sources that a comma list names, by plugin or distribution; None keeps all.

    Returns:
        The sources, and for each name that is nobody's one line that says so.
    """
    found = list(sources)
    if names is None:
        return found, []
    wanted = {each.strip() for each in names.split(",")} - {""}
    known = {name for each in found for name in (each.owner.plugin, each.owner.distribution) if name}
    unknown = [f"{ONLY} names '{each}': {near_names(each, known)}" for each in sorted(wanted - known)]
    return [each for each in found if wanted & {each.owner.plugin, each.owner.distribution}], unknown


def _plain(name: str) -> str:
    """Make a name fit for a record and a message."""
    return re.sub(r"[^\w.-]", "-", name)[:100]


def _is_python(path: Path) -> bool:
    return (path.is_file() and path.suffix == ".py") or (path / "__init__.py").is_file()


def _owner(plugin: str, found: Distribution | None, module: str) -> tuple[Owner, list[str]]:
    """Return a plugin's owner, and what its distribution requires."""
    if found is None:
        return Owner(plugin, module=module), []
    metadata = found.metadata  # parsed anew each time that it is asked for
    return Owner(plugin, metadata["Name"], metadata["Version"], module), metadata.get_all("Requires-Dist") or []


def _distribution_of(module: str) -> Distribution | None:
    from importlib.metadata import packages_distributions

    names = packages_distributions().get(module.split(".")[0], [])
    return distribution(names[0]) if names else None
