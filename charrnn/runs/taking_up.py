"""A run that is to be trained on: of this format, and rid of what a killed process left."""

from __future__ import annotations

from typing import Any

from charrnn.atomic import remove, write_file
from charrnn.runs.layout import LATEST, MANIFEST, METRICS
from charrnn.runs.manifest import FileRecord, manifest_of, records_of
from charrnn.runs.migrations import FORMAT_VERSION
from charrnn.runs.run import Run
from charrnn.runs.saves import NOTHING, SavedDirectory


def take_up(run: Run, **changed: Any) -> None:
    """Make a run that is locked ready to be trained on.

    Args:
        run: whose save that counts can be read.
        changed: fields of its config.

    Raises:
        RunError: it cannot be written; what was saved is whole.
    """
    with run.written():
        _upgrade(run)
        tidy(run)
        run.write_config(run.config.model_copy(update=changed))


def tidy(run: Run) -> None:
    """Remove what a killed process left, and make again what follows from the save that counts; errors as above."""
    with run.written():
        for path in run.left_behind():
            remove(path)
        run.repair()
        run.saves.prune(run.config.settings.keep)  # last: the model may be that of a save that never came to count


def _upgrade(run: Run) -> None:
    """Write what an earlier version did not; the config comes last, so that a kill on the way does no harm."""
    if run.format == FORMAT_VERSION:
        return
    run.saves.prune(keep=1)  # others were left half removed
    latest = run.saves.latest()
    if latest is None:
        write_file(run.path / LATEST, NOTHING)
    else:
        logged = run.path / METRICS
        metrics = FileRecord.of(logged, latest.state()["metrics_bytes"]) if logged.exists() else None
        write_file(latest.path / MANIFEST, manifest_of(latest.path, metrics).to_bytes())
        run.saves.point_at(SavedDirectory(latest.path, sealed=True))
    run.write_config(run.config.with_files(records_of(run.tokenizer)))
