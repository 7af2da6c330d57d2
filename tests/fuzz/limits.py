"""How long a case may take, and how much memory."""

from __future__ import annotations

import os
import resource
import select
import signal
from pathlib import Path

#: Seconds, and after how many of them long work that was asked for is interrupted.
SECONDS = 5.0
PATIENCE = 1.5
#: The most that a process may have, Python and torch included.
MEMORY = 500 * 10**6
#: Files that are larger tell of an error as well.
_FILE = 200 * 10**6
#: What keeps the machine safe where memory is measured, not refused.
_SAFE = 8 * MEMORY


def limit_memory(*, refuse: bool) -> None:
    """Let the system refuse this process more than that: what it is over now, if ``refuse``, else far more."""
    more = MEMORY if refuse else _SAFE
    resource.setrlimit(resource.RLIMIT_DATA, (_data() + more, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE, _FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def ended(process: int, seconds: float) -> bool:
    """Wait until a process ends, no longer than so many seconds; tell whether it has."""
    handle = os.pidfd_open(process)
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def _data() -> int:
    """Return how many bytes of memory this process may write into and shares with no other."""
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmData:"))
    return int(line.split()[1]) * 1024
