"""One process trains a run."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from charrnn.atomic import write_file
from charrnn.errors import RunError
from charrnn.runs.layout import LOCK, OWNER, refuse_links
from charrnn.strict_json import read_json

#: Seconds that the lock is waited for: whoever asks who holds it does so by taking it for an instant.
_PATIENCE = 0.2


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a run's directory for writing.

    The lock is the operating system's: it goes with the process that holds it, however that ends. ``.owner`` says who
    that is, for the message.

    Raises:
        RunError: another process holds it, or it cannot be written.
    """
    import filelock

    refuse_links(path, [LOCK])
    lock = path / LOCK
    try:
        if lock.exists() and not lock.is_file():  # a pipe would be waited for, by some
            raise RunError(f"{lock} is no regular file, and nothing can hold it; remove it")
        held = filelock.FileLock(lock).acquire(timeout=_PATIENCE, poll_interval=_PATIENCE / 10)
    except filelock.Timeout:
        raise RunError(f"run '{path.name}' is in use by {_owner(path)}; let it end, or stop it, first") from None
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror}; mend its permissions, or copy the run") from error
    with held:
        _tell_owner(path / OWNER)
        yield


def _tell_owner(path: Path) -> None:
    """Say who holds the run, if that can be written: what needs the disk or a right will tell that it lacks it."""
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
    with suppress(OSError):
        path.unlink(missing_ok=True)  # first: better no name than another's
        write_file(path, json.dumps(owner).encode())


@contextmanager
def made_alone(checkpoints: Path) -> Iterator[None]:
    """Let one process at a time make a run in a directory: two may want the same name, and each is to be made whole.

    Raises:
        OSError: it cannot be written.
        RunError: a link is in the place of the lock.
    """
    import filelock

    refuse_links(checkpoints, [LOCK])
    with filelock.FileLock(checkpoints / LOCK):
        yield


def holder(path: Path) -> str | None:
    """Say which process holds a run's directory for writing, if one does."""
    import filelock

    try:
        if (path / LOCK).is_symlink() or not (path / LOCK).is_file():
            return None
        with filelock.FileLock(path / LOCK).acquire(blocking=False):
            return None
    except filelock.Timeout:
        return _owner(path)
    except OSError:
        return None  # nobody can write here


def _owner(path: Path) -> str:
    try:
        owner = read_json(path / OWNER, limit=1000)
        return f"process {int(owner['pid'])} on {str(owner['host'])[:100]}, since {str(owner['since'])[:40]}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"  # which has not said yet who it is
