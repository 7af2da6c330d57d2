"""A run that is opened to generate or to score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.options import check
from charrnn.settings import DeviceSettings

if TYPE_CHECKING:
    from charrnn.generation.session import Session


def open_session(run: str | None, checkpoints: Path | None, given: Mapping[str, Any], lanes: int = 1) -> Session:
    """Open a run, with as many threads as it keeps busy.

    Args:
        run: its name or directory, or None for the latest.
        checkpoints: where runs are.
        given: flags; that of :class:`DeviceSettings` counts.
        lanes: texts that will run side by side.
    """
    from charrnn.generation.session import load
    from charrnn.generation.threads import limit_threads
    from charrnn.layers import flag

    asked = check(DeviceSettings, {name: given[name] for name in DeviceSettings.model_fields if name in given}, flag)
    session = load(run, checkpoints=checkpoints, device=asked.device)
    assert session.run is not None
    limit_threads(session.run.config.settings.shape()[2], lanes)
    return session
