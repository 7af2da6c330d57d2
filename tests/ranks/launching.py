"""Starts two ranks by ``torchrun``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

from tests.conftest import Result

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]


def torchrun(*arguments: object, options: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Result:
    """Start two ranks, and wait for their end; the host's name need not be known to anyone."""
    finished = subprocess.run(
        [*TORCHRUN, "--rdzv-endpoint", free_endpoint(), *options, *map(str, arguments)],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), **(env or {})},
        timeout=120,
    )
    return Result(finished.returncode, finished.stdout.decode(), finished.stderr.decode())


def free_endpoint() -> str:
    """Find an address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def ours(result: Result) -> list[str]:
    """Return the lines that are not torchrun's own."""
    return [line for line in result.err.splitlines() if line.startswith("charrnn: ")]
