"""The real program, with little memory and few seconds."""

from __future__ import annotations

import subprocess
import sys

#: Bytes that a command may take which needs no torch, and one which does.
MOST = 200_000_000
MOST_WITH_TORCH = 500_000_000

#: Calls a command from a process that is small itself: the most memory that a process had counts from before it became
#: another program.
LAUNCHER = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(f"\\n{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}", flush=True)
"""


def opened(*arguments, most=MOST):
    """Call the program with little memory and few seconds; returns its exit code and what it said."""
    command = [sys.executable, "-m", "charrnn", *map(str, arguments)]
    launched = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    *said, ended = launched.stdout.decode().splitlines()
    code, kilobytes = map(int, ended.split())
    assert kilobytes * 1024 < most, said
    assert not any("Traceback" in line for line in said)
    return code, "\n".join(said).strip()
