"""``charrnn runs compare``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from charrnn.cli.parameters import Checkpoints, Json
from charrnn.cli.runs.names import names_argument, tell_none
from charrnn.errors import RunError
from charrnn.reporting.echo import say_json, tell
from charrnn.runs.comparison import Summary, best_first, by_text, differing, summarize
from charrnn.runs.find import find_runs, list_runs
from charrnn.runs.place import checkpoints_directory


def compare(
    runs: Annotated[list[str] | None, names_argument("all")] = None,
    checkpoints: Checkpoints = None,
    json: Json = False,
) -> None:
    """Compare runs: what came of each, the best first, and the settings in which they differ."""
    directory = checkpoints_directory(checkpoints)
    found = best_first([summarize(run) for run in find_runs(runs, directory)] if runs else list(_sound(directory)))
    settings, groups = differing(found), by_text(found)
    if json:
        record = {"runs": [_record(each, settings) for each in found], "differing": settings}
        say_json({**record, "comparable": len(groups) < 2})
    elif not found:
        tell_none(checkpoints)
    else:
        from charrnn.reporting.comparison import print_comparison

        print_comparison(found, settings)
    if len(groups) > 1:
        from charrnn.reporting.comparison import different_texts

        tell(different_texts(groups))


def _sound(directory: Path) -> Iterable[Summary]:
    """Sum up all runs; who did not name one that is damaged still sees the others."""
    for run in list_runs(directory):
        try:
            yield summarize(run)
        except RunError as error:
            tell(f"left out: {error}")


def _record(summary: Summary, settings: Iterable[str]) -> dict[str, Any]:
    return {**asdict(summary), "settings": {name: summary.settings[name] for name in settings}}
