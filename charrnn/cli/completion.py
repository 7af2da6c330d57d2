"""What the shell offers to complete."""

from __future__ import annotations

from collections.abc import Callable

from charrnn.plugins import plugins
from charrnn.runs.find import list_runs
from charrnn.runs.place import checkpoints_directory

Completion = Callable[[str], list[tuple[str, str]]]


def completes(kind: str) -> Completion:
    """Return what offers the registered names of a kind, with their summaries."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return [(each.name, each.summary) for each in plugins().registry(kind) if each.name.startswith(incomplete)]

    return complete


def complete_any(incomplete: str) -> list[tuple[str, str]]:
    """Offer plugins, and the registered names of all kinds."""
    found = {source.owner.plugin: "a plugin" for source in plugins().sources}
    found |= {each.name: f"{each.kind}: {each.summary}" for each in plugins().entries()}
    return [(name, summary) for name, summary in found.items() if name.startswith(incomplete)]


def complete_runs(incomplete: str) -> list[tuple[str, str]]:
    """Offer the runs that ``sample`` would find, the latest first."""
    names = [run.name for run in list_runs(checkpoints_directory())]
    return [(name, "a run") for name in names if name.startswith(incomplete)]
