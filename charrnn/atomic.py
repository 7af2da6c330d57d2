"""Files and directories that are there whole or not at all, whenever the power goes."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from charrnn.errors import InterruptedRunError

#: What ends a program that has not failed.
_INTERRUPTIONS = (KeyboardInterrupt, SystemExit, InterruptedRunError)


def write_file(path: Path, content: bytes) -> None:
    """Write a file beside its place, flush it, and put it in its place; a device or a pipe is written to as it is."""
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    # A name of its own, since another process may be writing the same file.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def write_directory(path: Path, fill: Callable[[Path], None], *, resumable: bool = False) -> None:
    """Let ``fill`` write into a directory beside its place, flush every file, and put it in its place.

    Args:
        path: the place.
        fill: is given the directory.
        resumable: whether ``fill`` finds what it wrote before it was interrupted or killed; it is then called again.
            What it wrote before it failed is removed either way.

    Raises:
        FileExistsError: something is there already; it is left as it was.
    """
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    unfinished = path.with_name(f".{path.name}.unfinished")
    if not resumable:
        shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, exist_ok=resumable)
    try:
        fill(unfinished)
        for inside in sorted(unfinished.rglob("*")):
            _sync(inside)
        _sync(unfinished)
        unfinished.rename(path)
    except BaseException as error:
        if not (resumable and isinstance(error, _INTERRUPTIONS)):
            shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
