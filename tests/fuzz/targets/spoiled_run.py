"""A run with a spoiled file: as it was damaged, or as a stranger may have made it."""

from __future__ import annotations

from charrnn.runs.layout import METRICS
from tests.fuzz.case import Arguments, Case
from tests.fuzz.chance import Chance
from tests.fuzz.forgery import forged, is_sealed
from tests.fuzz.homes import RUN, Homes
from tests.fuzz.targets.commands import VERIFYING, choose

#: The directory of the run within its home.
PLACE = f"checkpoints/{RUN}"
#: Most of what is spoiled fits its seal, or all would end there.
_FORGED = 0.75


def spoiled_run(chance: Chance, homes: Homes, home: str, files: dict[str, bytes], *groups: list[Arguments]) -> Case:
    """Return a case of one of the commands, or of ``runs verify``, on a run with these files."""
    damaged = any(_is_damage(homes.read(home, path), path, content) for path, content in files.items())
    if chance.happens(_FORGED):
        return Case(home, choose(chance, VERIFYING, *groups), forged(homes, home, files))
    return Case(home, choose(chance, VERIFYING, *groups), files, damaged=damaged)


def _is_damage(before: bytes, path: str, now: bytes) -> bool:
    if path.endswith(METRICS):
        return now[: len(before)] != before  # what comes later belongs to steps that were never saved
    return now != before and not is_sealed(now)
