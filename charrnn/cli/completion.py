"""What the shell offers to complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from charrnn.plugins import plugins
from charrnn.runs.find import list_runs
from charrnn.runs.place import checkpoints_directory

Completion = Callable[[str], list[tuple[str, str]]]

#: What shells take as it is: some of them evaluate what they are offered, and a run's folder may be called anything.
_NAME = re.compile(r"\w[\w .,:+=@-]*")
_NOT_IN_SUMMARIES = re.compile(r"[^\w .,:;+=@/()'-]+")


def completes(kind: str) -> Completion:
    """Return what offers the registered names of a kind, with their summaries."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return _offered(((each.name, each.summary) for each in plugins().registry(kind)), incomplete)

    return complete


def complete_any(incomplete: str) -> list[tuple[str, str]]:
    """Offer plugins, and the registered names of all kinds."""
    found = {source.owner.plugin: "a plugin" for source in plugins().sources}
    found |= {each.name: f"{each.kind}: {each.summary}" for each in plugins().entries()}
    return _offered(found.items(), incomplete)


def complete_runs(incomplete: str) -> list[tuple[str, str]]:
    """Offer the runs that ``sample`` would find, the latest first."""
    return _offered(((run.name, "a run") for run in list_runs(checkpoints_directory())), incomplete)


def _offered(found: Iterable[tuple[str, str]], incomplete: str) -> list[tuple[str, str]]:
    """Leave out names that are more than a name to a shell, and what is that of a summary."""
    return [
        (name, _NOT_IN_SUMMARIES.sub(" ", summary))
        for name, summary in found
        if name.startswith(incomplete) and _NAME.fullmatch(name)
    ]
