"""Starts two ranks by ``torchrun``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Result

#: The store finds its port itself: one that was free a moment ago need not be so still.
TORCHRUN = [
    *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
    *("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"),
]
#: Seconds, of which the longest launch takes a fifth where the machine has nothing else to do.
_PATIENCE = 120


def torchrun(*arguments: object, options: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Result:
    """Start two ranks, and wait for their end; the host's name need not be known to anyone."""
    command = [*TORCHRUN, *options, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(env)) as process:
        try:
            out, err = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            for each in [*_descendants(process.pid), process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGABRT)
            out, err = process.communicate(timeout=10)
            pytest.fail(f"not done in {_PATIENCE} seconds\n{out.decode()}\n{err.decode()}")
    return Result(process.returncode, out.decode(), err.decode())


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what processes of a launch see: one that is aborted tells what it was at, one that waits in vain ends."""
    told = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONFAULTHANDLER": "1", "CHARRNN_RANKS_SECONDS": "60"}
    return {**os.environ, **told, **(more or {})}


def ours(result: Result) -> list[str]:
    """Return the lines that are not torchrun's own."""
    return [line for line in result.err.splitlines() if line.startswith("charrnn: ")]


def _descendants(process: int) -> Iterator[int]:
    """Find the processes that one has started, the last ones first."""
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(FileNotFoundError):
            for child in map(int, thread.read_text().split()):
                yield from _descendants(child)
                yield child
