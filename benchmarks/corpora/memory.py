"""Memory of a process and of those that it started."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Self

_INTERVAL = 0.02


def anonymous() -> float:
    """Return the anonymous memory of this process and of its descendants, in MB, without what is mapped from files."""
    return sum(_of(pid) for pid in _family(os.getpid()))


class Peak:
    """The most memory that was in use while it was entered, looked at fifty times a second."""

    def __init__(self) -> None:
        self.value = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.value = max(self.value, anonymous())
            if self._done.wait(_INTERVAL):
                return


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue  # the thread has ended
        for child in children:
            found += _family(int(child))
    return found


def _of(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0  # the process has ended
    return sum(int(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon"))
