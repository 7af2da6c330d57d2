"""A disk that may forget, when the power goes, whatever it was not told to keep.

It keeps a file's content as it was when the file was flushed, and the names in a directory as they were when that was.
Of what came later it may keep any part: of a directory what it was after any of the changes since, of a file any
beginning of what was written since; each for itself, in whatever order.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

Key = tuple[int, int]
#: The names in a directory, and what they name.
Names = dict[str, Key]

_CHANGES = ("rename", "replace", "unlink", "rmdir", "mkdir")


@dataclass(frozen=True)
class Moment:
    """What a disk may hold at a moment, the oldest first: what it is sure to hold, and what came since.

    Attributes:
        root: the directory that all is in.
        names: of each directory.
        contents: of each file.
        promised: the step that is said to be safe.
    """

    root: Key
    names: dict[Key, tuple[Names, ...]]
    contents: dict[Key, tuple[bytes, ...]]
    promised: int

    def lose_all(self, into: Path) -> None:
        """Write what is left where all is forgotten that may be."""
        self._write(self.root, into, lambda versions: versions[0], lambda versions: versions[0])

    def lose_some(self, into: Path, chance: random.Random) -> None:
        """Write what may be left."""

        def beginning(versions: tuple[bytes, ...]) -> bytes:
            kept, late = versions[0], chance.choice(versions)
            return late[: chance.randint(len(kept), len(late))] if late.startswith(kept) else late

        self._write(self.root, into, chance.choice, beginning)

    def _write(self, key: Key, into: Path, choose_names: Any, choose_content: Any) -> None:
        into.mkdir()
        for name, below in choose_names(self.names[key]).items():
            if below in self.names:
                self._write(below, into / name, choose_names, choose_content)
            else:
                (into / name).write_bytes(choose_content(self.contents[below]))


class Disk:
    """Watches a directory.

    Args:
        root: the directory, which is on the disk already.

    Attributes:
        moments: before and after each change of a name, and after each flush.
        promised: the step that is said to be safe; whoever hears of it says so.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._held: dict[Key, int] = {}  # open, so that no other file is given its number
        self._names: dict[Key, list[Names]] = {}
        self._contents: dict[Key, list[bytes]] = {}
        self.moments: list[Moment] = []
        self.promised = 0
        for key, path in list(self._look(root)):
            del self._versions(key, path)[:-1]

    def watch(self, monkeypatch: Any) -> None:
        """Take part in every flush and every change of a name from now on."""
        flush = os.fsync

        def flushed(handle: int) -> None:
            self._pass()
            flush(handle)
            status = os.fstat(handle)
            for versions in (self._names, self._contents):
                del versions.get((status.st_dev, status.st_ino), [])[:-1]
            self._pass()

        monkeypatch.setattr(os, "fsync", flushed)
        for name in _CHANGES:
            monkeypatch.setattr(os, name, self._around(getattr(os, name)))

    def close(self) -> None:
        """Let go of all files."""
        for handle in self._held.values():
            os.close(handle)

    def _around(self, call: Any) -> Any:
        @wraps(call)
        def wrapped(*args: Any, **options: Any) -> Any:
            self._pass()
            result = call(*args, **options)
            self._pass()
            return result

        return wrapped

    def _pass(self) -> None:
        """See what has changed, and note what the disk may hold now."""
        for key, path in self._look(self._root):
            self._versions(key, path)
        status = self._root.stat()
        names = {key: tuple(versions) for key, versions in self._names.items()}
        contents = {key: tuple(versions) for key, versions in self._contents.items()}
        self.moments.append(Moment((status.st_dev, status.st_ino), names, contents, self.promised))

    def _look(self, path: Path) -> Iterator[tuple[Key, Path]]:
        """Yield each directory and each file."""
        status = path.stat()
        key = (status.st_dev, status.st_ino)
        if key not in self._held:
            self._held[key] = os.open(path, os.O_RDONLY)
        yield key, path
        if path.is_dir():
            for below in path.iterdir():
                yield from self._look(below)

    def _versions(self, key: Key, path: Path) -> list[Any]:
        """Return the versions of what has a key, with that of now."""
        if path.is_dir():
            now: Any = {each.name: (each.stat().st_dev, each.stat().st_ino) for each in path.iterdir()}
            versions: list[Any] = self._names.setdefault(key, [{}])
        else:
            now = path.read_bytes()
            versions = self._contents.setdefault(key, [b""])
        if versions[-1] != now:
            versions.append(now)
        return versions
