"""One process trains a run."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from charrnn.errors import RunError
from charrnn.runs.layout import LOCK, OWNER, refuse_links
from charrnn.strict_json import read_json


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a run's directory for writing.

    The lock is the operating system's: it goes with the process that holds it, however that ends. ``.owner`` says who
    that is, for the message.

    Raises:
        RunError: another process holds it.
    """
    import filelock

    refuse_links(path)
    lock = filelock.FileLock(path / LOCK)
    try:
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        raise RunError(f"run '{path.name}' is in use by {_owner(path)}; let it end, or stop it, first") from None
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}; mend its permissions, or copy the run") from error
    with held:
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
        try:
            (path / OWNER).write_text(json.dumps(owner))
        except OSError as error:
            raise RunError(f"{path / OWNER} cannot be written: {error.strerror}; make room or mend it") from error
        yield


def _owner(path: Path) -> str:
    try:
        owner = read_json(path / OWNER, limit=1000)
        return f"process {int(owner['pid'])} on {str(owner['host'])[:100]}, since {str(owner['since'])[:40]}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"  # which has not said yet who it is
