"""Removes a run: it is whole, or is no run any more."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from charrnn.atomic import aside_of, remove, remove_directories
from charrnn.errors import RunError
from charrnn.runs.lock import holder, locked
from charrnn.runs.refusal import refused, remedy

#: Begins the name of a run that is being removed. What is beside it may be anybody's, so that no other has such a name.
_REMOVED = ".removed-run-"


def remove_run(path: Path) -> None:
    """Remove a run that nobody trains.

    Raises:
        RunError: another process holds it, or it cannot be removed; then it is whole, or the message says where the
            rest of it lies.
    """
    if path.is_symlink():
        raise RunError(f"{path} is a link; name the run that it leads to: {path.resolve()}")
    with locked(path):
        for folder, *_ in os.walk(path, onerror=_cannot_be_read):
            if not os.access(folder, os.W_OK | os.X_OK):
                raise RunError(f"{folder} cannot be emptied: you may not write there; mend its permissions")
        try:
            remove_directories([path], mark=_REMOVED)
        except OSError as error:
            if path.exists():
                raise refused(path, "removed", error) from error
            raise RunError(
                f"run '{path.name}' is removed, but for what is in {aside_of(path, _REMOVED)}: "
                f"{error.strerror}; {remedy(error)}, and remove that by hand"
            ) from error


def tidy_removed(checkpoints: Path) -> list[Path]:
    """Remove what killed removals of runs have left in a directory, where that can be; returns what went."""
    gone = []
    for path in sorted(checkpoints.glob(f"{_REMOVED}*")):
        if holder(path) is None:
            with suppress(OSError):  # whoever could not remove it was told
                remove(path)
                gone.append(path)
    return gone


def _cannot_be_read(error: OSError) -> None:
    raise refused(Path(error.filename), "read", error) from error
