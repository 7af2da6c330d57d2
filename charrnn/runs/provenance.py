"""Whose names a run was made with, and whether they are the same now."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from charrnn.errors import RunError, near_names
from charrnn.plugins import PluginWarning, plugins
from charrnn.plugins.manager import BUILTIN
from charrnn.registry import Entry
from charrnn.runs.config import PluginRecord, RunConfig
from charrnn.runs.run import Run

#: What a run needs to be opened: a record's key, and the kind of name that it is of.
_NEEDED = {"cell": "cells", "tokenizer": "tokenizers"}


def record_plugins(entries: Mapping[str, Entry | None]) -> dict[str, PluginRecord]:
    """Write down, for each name that a run is made with, whose it is; never where that lies on this machine."""
    return {
        key: PluginRecord(
            name=entry.name,
            plugin=entry.owner.plugin,
            distribution=entry.owner.distribution,
            version=entry.owner.version,
            sha256=entry.owner.sha256,
        )
        for key, entry in entries.items()
        if entry is not None
    }


def check_plugins(run: Run) -> None:
    """Compare what a run was made with to what is here; warns where that differs.

    Raises:
        RunError: a plugin is missing; the message says which, and where it came from.
    """
    told = set()
    for key, kind in _NEEDED.items():
        registry = plugins().registry(kind)
        name, record = _recorded(run.config, key)
        if name not in registry:
            raise RunError(
                _missing(run, registry.kind, name, record, near_names(name, [each.name for each in registry]))
            )
        if record is None:
            continue
        entry = registry[name]
        if not entry.owner.ours:
            entry.load_numpy() if entry.numpy is not None else entry.load()  # a hash is that of what was imported
        difference = _difference(entry, record)
        if difference and difference not in told:
            told.add(difference)
            warnings.warn(f"run '{run.name}' was made with {difference}", PluginWarning, stacklevel=2)


def _recorded(config: RunConfig, key: str) -> tuple[str, PluginRecord | None]:
    name = (config.settings.cell or "") if key == "cell" else config.tokenizer.name
    return name, config.plugins.get(key)


def _missing(run: Run, kind: str, name: str, record: PluginRecord | None, near: str) -> str:
    needs = f"run '{run.name}' needs the {kind} '{name}'"
    if record is None:
        return f"{needs}, which nobody here has: {near}"
    if record.plugin == BUILTIN.plugin:
        return f"{needs} of charrnn {record.version} itself, and charrnn {BUILTIN.version} has none: {near}"
    missing = f"{needs} of the plugin '{record.plugin}', which is not here"
    # Who made the run says where the plugin came from: a command to get it would have a person run a stranger's code.
    if record.distribution:
        came = f"the run says that it came in {record.distribution} {record.version}"
        return f"{missing}; {came}, which is to be installed only if you trust it"
    return f"{missing}; the run says that it was a file, which is to be given by --plugin only if you trust it"


def _difference(entry: Entry, record: PluginRecord) -> str:
    """Say how the owner of a name differs from the one recorded; nothing where it does not, or is charrnn itself."""
    owner = entry.owner
    if owner.ours and record.plugin == owner.plugin:
        return ""  # what charrnn itself promises is told by the config's format_version
    if record.plugin != owner.plugin:
        return f"the {entry.kind} '{entry.name}' of the plugin '{record.plugin}'; here that name is {owner}'s"
    if (record.distribution, record.version) != (owner.distribution, owner.version):
        before = f"{record.distribution or 'a file'} {record.version}".strip()
        now = f"{owner.distribution or 'a file'} {owner.version}".strip()
        return f"the plugin '{record.plugin}' of {before}; here it is of {now}, and may give other results"
    if record.sha256 and record.sha256 != owner.sha256:
        return f"the plugin '{record.plugin}' as it was; its code has changed since, and may give other results"
    return ""
