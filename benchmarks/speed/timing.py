"""Times that can be compared: taken in turn, in one process, and their medians."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping

#: Seconds that one measurement lasts at least.
LEAST = 0.2


def _nothing() -> None:
    pass


def side_by_side(
    cases: Mapping[str, Callable[[], object]], rounds: int = 7, wait: Callable[[], object] = _nothing
) -> dict[str, float]:
    """Return the median of the seconds that each case takes, the cases taken in turn.

    Args:
        cases: called twice before anything is measured.
        rounds: measurements of each.
        wait: returns when a device has done what it was asked for.
    """
    repeats = {}
    for name, case in cases.items():
        case()
        case()
        wait()
        began = time.perf_counter()
        case()
        wait()
        repeats[name] = max(1, round(LEAST / (time.perf_counter() - began)))
    found: dict[str, list[float]] = {name: [] for name in cases}
    gc.disable()
    for _ in range(rounds):
        for name, case in cases.items():
            began = time.perf_counter()
            for _ in range(repeats[name]):
                case()
            wait()
            found[name].append((time.perf_counter() - began) / repeats[name])
        gc.collect()
    gc.enable()
    return {name: statistics.median(times) for name, times in found.items()}
