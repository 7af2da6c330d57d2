"""From RUN on the command line to a run directory."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

from charrnn.atomic import cut_name
from charrnn.errors import RunError, near_names
from charrnn.runs.layout import CONFIG
from charrnn.runs.refusal import refused
from charrnn.runs.run import Run

#: Bytes of a run's name: a file system takes 255, and a run is made and removed under longer names than its own.
LONGEST_NAME = 200
#: Of these, what a number needs that tells a name from those that are taken.
_LONGEST_NUMBER = 10


def list_runs(checkpoints: Path) -> list[Run]:
    """Return the runs in a directory, the one with the newest completed save first."""
    if not checkpoints.is_dir():
        return []
    runs = [Run(path.parent) for path in checkpoints.glob(f"[!.]*/{CONFIG}")]
    return sorted(runs, key=lambda run: (-run.saved_at(), run.name))


def find_run(name: str | None, checkpoints: Path) -> Run:
    """Find a run by its name or directory; without one, the run with the newest completed save.

    Raises:
        RunError: there is none; the message gives the near names.
    """
    runs = list_runs(checkpoints)
    if name is None:
        if not runs or not runs[0].saved_at():
            raise RunError(f"there is no finished save in '{checkpoints}'; make one with: charrnn train CORPUS")
        return runs[0]
    for path in (checkpoints / name, Path(name)):
        if _is_there(path / CONFIG):
            return Run(path.resolve() if path.name in ("", ".", "..") else path)
    raise RunError(f"no run is called '{name}' in '{checkpoints}': {near_names(name, [run.name for run in runs])}")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise refused(path, "read", error) from None


def find_runs(names: Iterable[str | None], checkpoints: Path) -> list[Run]:
    """Find several runs, each once; arguments and errors as :func:`find_run`'s."""
    found = [find_run(name, checkpoints) for name in names]
    return list({run.path.resolve(): run for run in found}.values())


def free_name(stem: str, checkpoints: Path) -> str:
    """Return ``stem``, or ``stem-2``, ``stem-3``, ...: the first that is not taken; a long stem is cut."""
    stem = cut_name(stem, LONGEST_NAME - _LONGEST_NUMBER)
    name, number = stem, 1
    while (checkpoints / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name
