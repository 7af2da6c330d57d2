"""Files from strangers: regular ones, no larger than they can be."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedRandom, BufferedReader
from pathlib import Path


def read_file(path: Path, limit: int) -> bytes:
    """Read a file whole.

    Args:
        path: of the file.
        limit: bytes that it may hold.

    Raises:
        OSError: it is not there, or no regular file: a pipe would be waited for, a device has no end.
        ValueError: it is larger.
    """
    with open_file(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it is larger than {limit:,} bytes")
    return content


def open_file(path: Path) -> BufferedReader:
    """Open a regular file; raises OSError as :func:`read_file` does."""
    return os.fdopen(_regular(path, os.O_RDONLY), "rb")


def open_to_change(path: Path) -> BufferedRandom:
    """Open a regular file to read and write, or make it; raises OSError as :func:`read_file` does, and for a link."""
    return os.fdopen(_regular(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW), "r+b")


def _regular(path: Path, flags: int) -> int:
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
    except BaseException:
        os.close(handle)
        raise
    return handle
