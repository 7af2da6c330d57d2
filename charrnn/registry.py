"""From a name on the command line to the object behind it, and to whom it came from."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from charrnn.errors import PluginError, UsageError, near_names
from charrnn.isolation import PASSING, blamed, raise_if_asked, reason

#: Names are typed on command lines and become parts of file names.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: What a cell's NumPy form is a subclass of.
NUMPY_CONTRACT = "charrnn.cells.numpy_forms.base:NumpyCell"
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Owner:
    """The plugin that registered a name.

    Attributes:
        plugin: its name.
        distribution: the installed distribution that it came in; empty for a file.
        version: of that distribution.
        module: what Python calls it once it is imported.
        ours: whether it is charrnn's own.
    """

    plugin: str
    distribution: str = ""
    version: str = ""
    module: str = ""
    ours: bool = False

    def __str__(self) -> str:
        """Name the plugin and where it came from, for a message."""
        came = f" ({self.distribution} {self.version})" if self.distribution else ""
        return f"plugin '{self.plugin}'{came}"

    @cached_property
    def sha256(self) -> str:
        """The hash of its file, or of all Python files of its package; empty where it has none."""
        import hashlib

        source = self._source()
        if source is None:
            return ""
        files = sorted(source.rglob("*.py")) if source.is_dir() else [source]
        whole = hashlib.sha256()
        for file in files:
            name = file.relative_to(source).as_posix() if source.is_dir() else ""
            whole.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        return whole.hexdigest()

    def _source(self) -> Path | None:
        """Find the package that the module lies in, or the module's own file."""
        parts = self.module.split(".")
        for length in range(1, len(parts) + 1):
            module = sys.modules.get(".".join(parts[:length]))
            file = getattr(module, "__file__", None)  # a namespace package has none
            if file:
                return Path(file).parent if hasattr(module, "__path__") else Path(file)
        return None


@dataclass(frozen=True)
class Entry:
    """One registered name. ``target`` is an object, or ``"package.module:Name"`` until it is loaded.

    Attributes:
        numpy: in the same way, the NumPy form of a cell; None where it has none.
    """

    kind: str
    name: str
    target: Any
    summary: str
    owner: Owner
    contract: str = ""
    numpy: Any = None

    def load(self) -> Any:
        """Import the target.

        Raises:
            PluginError: the string does not lead to an object, or that does not keep the contract of its kind.
        """
        return self._load(self.target, self.contract)

    def load_numpy(self) -> Any:
        """Import the NumPy form; raises as :meth:`load` does."""
        return self._load(self.numpy, NUMPY_CONTRACT)

    def _load(self, target: Any, contract: str) -> Any:
        if isinstance(target, str):
            text = target
            module, _, path = text.partition(":")
            try:
                target = import_module(module)
                for attribute in path.split("."):
                    target = getattr(target, attribute)
            except PASSING:
                raise
            except BaseException as error:
                told = f"{self} cannot be loaded from '{text}': {reason(error)}; mend or remove that plugin"
                raise_if_asked(error, told)
                raise PluginError(told) from error
        if contract:
            module, _, name = contract.partition(":")
            wanted = getattr(import_module(module), name)
            if not (isinstance(target, type) and issubclass(target, wanted)):
                raise PluginError(f"{self} should be a subclass of charrnn.{name}, not {target!r}; mend that plugin")
        return target

    def __str__(self) -> str:
        """Name it and its owner, for a message."""
        return f"{self.kind} '{self.name}' of {self.owner}"

    def blamed(self) -> AbstractContextManager[None]:
        """Run code of the target; what it raises is told as its plugin's fault. An error of ours stays one."""
        return nullcontext() if self.owner.ours else blamed(str(self))


class Registry:
    """The names of one kind: cells, tokenizers, corpora or warpers.

    Args:
        kind: what one of them is called.
        contract: the class that targets are subclasses of, as ``"package.module:Name"``; empty where they may be
            anything that can be called.
    """

    def __init__(self, kind: str, contract: str = "") -> None:
        self.kind = kind
        self._contract = contract
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, target: Any, owner: Owner, summary: str = "", numpy: Any = None) -> None:
        """Register a name.

        Raises:
            PluginError: the name or target is none, or the name is taken. Names go into checkpoints, so the first
                owner keeps it.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise PluginError(f"{name!r} is no name for a {self.kind}: use letters, digits, '-', '_' and '.'")
        for each in (target,) if numpy is None else (target, numpy):
            if not (_TARGET.fullmatch(each) if isinstance(each, str) else callable(each)):
                raise PluginError(f"the {self.kind} '{name}' is {each!r}, neither a class nor 'package.module:Name'")
        if numpy is not None and self.kind != "cell":
            raise PluginError(f"the {self.kind} '{name}' has a NumPy form, which only a cell can have")
        taken = self._entries.get(name)
        if taken:
            raise PluginError(f"the {self.kind} '{name}' is {taken.owner}'s already, and stays that")
        self._entries[name] = Entry(self.kind, name, target, str(summary), owner, self._contract, numpy)

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
