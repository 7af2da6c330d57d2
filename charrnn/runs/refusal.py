"""What the operating system refuses, told with what a person can do."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from charrnn.atomic import NO_ROOM
from charrnn.errors import RunError

_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
#: In what safetensors says of an error of the operating system.
_NUMBER = re.compile(r"\(os error (\d{1,5})\)")


def refused(path: Path, be: str, error: OSError) -> RunError:
    """Return the error that says so.

    Args:
        path: of what is refused.
        be: what it cannot be, such as ``written``.
        error: the operating system's.
    """
    return RunError(f"{path} cannot be {be}: {reason_of(error)}; {remedy(error)}")


def reason_of(error: Exception) -> str:
    """Say why a file cannot be read or written, as the operating system does; safetensors gives its number only."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    number = _number(error)
    return os.strerror(number) if number else str(error)


def remedy(error: Exception) -> str:
    """Say what to do about it."""
    number = _number(error)
    if number in NO_ROOM:
        return "make room"
    if number in _NO_RIGHT:
        return "mend its permissions"
    return "move that away" if number == errno.EISDIR else "mend that"


def _number(error: Exception) -> int | None:
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None
