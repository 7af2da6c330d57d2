"""Back to the last save, where training diverged."""

from __future__ import annotations

from dataclasses import replace

from charrnn.errors import DivergedError
from charrnn.runs.run import Run
from charrnn.runs.save import Save
from charrnn.training.events import Notice
from charrnn.training.schedule import AFTER_ROLLBACK


def roll_back(run: Run, diverged: DivergedError, seconds: float) -> tuple[Save, Notice]:
    """Return the save to go on from, and what to say of it.

    It is the last one, but for the number of rollbacks, by which the learning rate falls, and the clock, which goes on.
    It takes that one's place: a run that dies now, goes on as it would have.

    Args:
        run: whose training diverged.
        diverged: how.
        seconds: since the run's first step.

    Raises:
        DivergedError: the run went back as often as it may.
        RunError: the save is damaged, or cannot be written.
    """
    settings = run.config.settings
    state = run.state()
    rollbacks = 1 if state is None else state.get("rollbacks", 0) + 1
    last = run.load() if rollbacks <= settings.max_rollbacks else None
    if last is None:
        raise diverged
    save = replace(last, state={**last.state, "rollbacks": rollbacks, "seconds": seconds})
    run.save(save, better=False, keep=settings.keep)
    return save, Notice(
        f"{diverged.what}; back to step {save.state['step']}, with {AFTER_ROLLBACK**rollbacks:g} of the learning rate "
        f"(rollback {rollbacks} of {settings.max_rollbacks})"
    )
