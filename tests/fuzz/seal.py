"""Cases can write nowhere but on their stage, and reach no network: a fault must not harm who looks for it."""

from __future__ import annotations

import ctypes
import os
from functools import reduce
from operator import or_
from pathlib import Path

# Of linux/landlock.h; the numbers of the calls are the same on every processor.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION = 1
_BENEATH = 1
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
#: Each right to write, by the version of Landlock that came to know it.
_RIGHTS = {
    1: reduce(or_, (1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))),
    2: 1 << 13,  # to rename from one directory into another
    3: _TRUNCATE,
}
_CONNECTED, _NETWORK = 4, 0b11
_NO_NEW_PRIVILEGES = 38
#: What may be written to though it lies elsewhere.
_DEVICES = ("/dev/null", "/dev/full", "/dev/zero")

_libc = ctypes.CDLL(None, use_errno=True)


def can_seal() -> bool:
    """Tell whether the kernel has Landlock."""
    return _version() > 0


def seal(directory: Path) -> None:
    """Take from this process, and those that it starts, the right to write outside of a directory."""
    version = _version()
    rights = reduce(or_, (right for since, right in _RIGHTS.items() if version >= since))
    network = _NETWORK if version >= _CONNECTED else 0
    handled = (ctypes.c_uint64 * 2)(rights, network)
    rules = _call(_CREATE, handled, ctypes.c_size_t(16 if network else 8), 0)
    _allow(rules, directory, rights)
    for device in _DEVICES:
        _allow(rules, Path(device), rights & (_WRITE_FILE | _TRUNCATE))
    if _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    _call(_RESTRICT, rules, 0)
    os.close(rules)


def _version() -> int:
    return int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION))


def _allow(rules: int, path: Path, rights: int) -> None:
    handle = os.open(path, os.O_PATH)
    rule = rights.to_bytes(8, "little") + handle.to_bytes(4, "little")
    _call(_ADD, rules, _BENEATH, rule, 0)
    os.close(handle)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
