"""``metrics.jsonl``: what was logged, one JSON object a line."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from charrnn.errors import RunError
from charrnn.runs.manifest import FileRecord
from charrnn.strict_file import open_file, open_to_change
from charrnn.strict_json import parse_json

#: Bytes of a line; ours have some hundred.
_LONGEST_LINE = 65536


class Metrics:
    """Appends to a run's metrics.

    Args:
        path: the file; made where there is none.
        length: what the save recorded of it; later lines belong to steps that will be taken again.

    Attributes:
        found: what it was when it was opened, up to that length.

    Raises:
        RunError: as every method, where it cannot be written.
    """

    def __init__(self, path: Path, length: int = 0) -> None:
        self._path = path
        self._hash = hashlib.sha256()
        try:
            with ExitStack() as opened:
                self._file = opened.enter_context(open_to_change(path))
                self._file.truncate(min(length, os.fstat(self._file.fileno()).st_size))
                while piece := self._file.read(1 << 20):
                    self._hash.update(piece)
                self.found = self._record()
                opened.pop_all()
        except OSError as error:
            raise self._told(error) from error

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one line."""
        line = json.dumps(record).encode() + b"\n"
        self._hash.update(line)
        try:
            self._file.write(line)
        except OSError as error:
            raise self._told(error) from error

    def flush(self) -> FileRecord:
        """Put everything on the disk, and return what the file is now."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._told(error) from error
        return self._record()

    def _record(self) -> FileRecord:
        return FileRecord(size=self._file.tell(), sha256=self._hash.hexdigest())

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # every save has flushed, and told where that failed
            self._file.close()

    def _told(self, error: OSError) -> RunError:
        return RunError(f"{self._path} cannot be written: {error.strerror}; make room or mend it, then --resume")


class NoMetrics(Metrics):
    """For who trains beside the one that writes them."""

    def __init__(self) -> None:
        self.found = FileRecord(size=0, sha256=hashlib.sha256().hexdigest())

    def append(self, record: Mapping[str, Any]) -> None:
        """Drop one line."""

    def flush(self) -> FileRecord:
        """Return what there is."""
        return self.found

    def close(self) -> None:
        """Do nothing."""


class Logged:
    """The lines of a metrics file that hold an object, read as they are asked for.

    A last line that was cut short, as by a kill, is passed over.

    Args:
        path: the file; one that is not there holds nothing.

    Attributes:
        damaged: lines so far that held something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Read from the start.

        Raises:
            RunError: it cannot be read.
        """
        self.damaged = 0
        try:
            with open_file(self._path) as file:
                while line := file.readline(_LONGEST_LINE):
                    record = _object(line)
                    if record is not None:
                        yield record
                    elif line.endswith(b"\n") or len(line) == _LONGEST_LINE:
                        self.damaged += 1
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(f"{self._path} cannot be read: {error.strerror}") from error


def has_numbers(record: Mapping[str, Any], *names: str) -> bool:
    """Tell whether all of these are there, as finite numbers."""
    values = [record.get(name) for name in names]
    return all(type(value) in (int, float) and math.isfinite(value) for value in values)  # type: ignore[arg-type]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        record = parse_json(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
