"""Mends a run as far as its files allow: whatever can be made again is, and the newest whole save counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from charrnn.atomic import remove, write_file
from charrnn.errors import RunError
from charrnn.runs.layout import BEST, MODEL
from charrnn.runs.manifest import check_file
from charrnn.runs.refusal import refused
from charrnn.runs.run import Run
from charrnn.runs.saves import SavedDirectory
from charrnn.runs.verification import verify


def mend(run: Run) -> Iterator[str]:
    """Mend a run; yields a line on each thing that was done.

    Raises:
        RunError: another process is training it, its config is damaged, or it cannot be written.
    """
    with run.locked(), _failure_told(run):
        _ = run.config
        for save in run.saves.all():
            if _best_brought_back(run, save):
                yield f"{save.path / BEST} was made again from {MODEL}"
        found = verify(run)
        yield from _newest_whole(run, found.whole, found.latest)
        if found.whole and run.repair():
            yield f"{run.path / MODEL} was made again from the save that counts"
        for path in run.left_behind():
            remove(path)
            yield f"{path}, which a killed process left, was removed"


@contextmanager
def _failure_told(run: Run) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused(Path(error.filename or run.path), "mended", error) from error


def _newest_whole(run: Run, whole: dict[str, int], latest: str | None) -> Iterator[str]:
    """Let the newest whole save count where that which does is damaged, and set aside those that are."""
    if not whole:
        return
    newest = list(whole)[-1]
    if latest not in whole:
        run.saves.point_at(next(each for each in run.saves.all() if each.path.name == newest))
        yield f"save {newest} counts now: training goes on from step {whole[newest]}"
    for save in run.saves.all():
        if save.path.name not in whole:
            yield f"save {save.path.name} is damaged, and lies in {run.saves.set_aside(save)} now"


def _best_brought_back(run: Run, save: SavedDirectory) -> bool:
    """Copy the best weights from their other place, where only that has them whole."""
    try:
        manifest = save.manifest
        if manifest is None:
            return False
        check_file(run.path / MODEL, manifest.files[BEST])
    except RunError:
        return False  # then there is nothing to copy
    try:
        save.file(BEST)
    except RunError:
        write_file(save.path / BEST, (run.path / MODEL).read_bytes())
        return True
    return False
