"""Files and directories that are there whole or not at all, whenever the power goes."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from charrnn.errors import InterruptedRunError

#: Begins the name of a directory that is being removed, where all that is beside it is ours.
_REMOVED = ".removed-"
_LONGEST_NAME = 255
#: Errors of a full disk. A limit on the size of files is told as one: what helps is the same.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: What ends a program that has not failed.
_INTERRUPTIONS = (KeyboardInterrupt, SystemExit, InterruptedRunError)


def write_file(path: Path, content: bytes) -> None:
    """Write a file beside its place, flush it, and put it in its place.

    A link, a pipe or a device that is there is replaced, and nothing goes through it: a stranger may have put it there.

    Raises:
        OSError: it cannot be written, or a directory is in its place.
    """
    if path.is_dir() and not path.is_symlink():
        raise IsADirectoryError(errno.EISDIR, f"{path.name} is a directory", str(path))
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
    sync(path.parent)


def write_named(path: Path, content: bytes) -> None:
    """Write what a person asked for by its name, such as ``--png /dev/stdout``: a device or a pipe as it is."""
    if path.exists() and not path.is_file():
        path.write_bytes(content)
    else:
        write_file(path, content)


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
        with suppress(OSError):
            remove(unfinished)
    make_directory(path.parent)
    unfinished.mkdir(exist_ok=resumable)
    try:
        fill(unfinished)
        for inside in sorted(unfinished.rglob("*")):
            sync(inside)
        sync(unfinished)
        unfinished.rename(path)
    except BaseException as error:
        if not (resumable and isinstance(error, _INTERRUPTIONS)):
            shutil.rmtree(unfinished, ignore_errors=True)
        raise
    sync(path.parent)


def make_directory(path: Path) -> None:
    """Make a directory and those that it is in, where they are not there; power that goes later takes none of them."""
    if not path.exists():
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        sync(path.parent)


def remove_directories(paths: Iterable[Path], mark: str = _REMOVED) -> None:
    """Remove directories of one parent; whenever that ends, each is whole or has lost its name.

    Args:
        paths: of the directories; of a link the name alone goes.
        mark: begins the name that each has meanwhile.
    """
    doomed = [_put_aside(path, mark) for path in paths]
    if doomed:
        sync(doomed[0].parent)  # a disk may forget files before it forgets the name of their directory
    for each in doomed:
        remove(each)


def aside_of(path: Path, mark: str = _REMOVED) -> Path:
    """Return where a directory lies while it is removed; as no name has more bytes, one near that loses its end."""
    return path.with_name(cut_name(f"{mark}{path.name}", _LONGEST_NAME))


def cut_name(name: str, most: int) -> str:
    """Return the start of a file's name that has no more than so many bytes."""
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name


def _put_aside(path: Path, mark: str) -> Path:
    aside = aside_of(path, mark)
    if os.path.lexists(aside):
        remove(aside)
    return path.rename(aside)


def leftovers(directory: Path) -> list[Path]:
    """Return what a killed process left in a directory: what was not finished, or not wholly removed."""
    return sorted(path for pattern in (".*.unfinished", f"{_REMOVED}*") for path in directory.glob(pattern))


def remove(path: Path) -> None:
    """Remove a file, a link, or a directory with all that is in it; another process may do so as well."""
    while True:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            if os.path.lexists(path):
                continue  # something in it went meanwhile
        return


def sync(path: Path) -> None:
    """Have a file's content, or a directory's names, on the disk.

    Raises:
        OSError: they cannot be written.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
