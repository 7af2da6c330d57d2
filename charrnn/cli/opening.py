"""A run that is opened to generate or to score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.declaration import Settings
from charrnn.options import check
from charrnn.settings import DeviceSettings, DynamicSettings, OpeningSettings

if TYPE_CHECKING:
    from charrnn.generation.session import Session

#: The flags of :class:`OpeningSettings` by their heading in the help.
PANELS: dict[str, type[Settings]] = {"Device": DeviceSettings, "Dynamic evaluation": DynamicSettings}


def open_session(run: str | None, checkpoints: Path | None, given: Mapping[str, Any], lanes: int = 1) -> Session:
    """Open a run, with as many threads as it keeps busy.

    Args:
        run: its name or directory, or None for the latest.
        checkpoints: where runs are.
        given: flags; those of :class:`OpeningSettings` count.
        lanes: texts that will run side by side.
    """
    from charrnn.generation.session import open_run
    from charrnn.generation.threads import limit_threads
    from charrnn.layers import flag
    from charrnn.runs.find import find_run
    from charrnn.runs.place import checkpoints_directory

    opening = {name: given[name] for name in OpeningSettings.model_fields if name in given}
    asked = check(OpeningSettings, opening, flag)
    found = find_run(run, checkpoints_directory(checkpoints))
    session = open_run(found, asked)
    limit_threads(found.config.settings.shape()[2], lanes)
    return session
