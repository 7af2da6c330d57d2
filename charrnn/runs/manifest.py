"""The manifest of a save: what each file was when it was written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from charrnn.declaration import Settings
from charrnn.errors import RunError, UsageError
from charrnn.options import check
from charrnn.runs.layout import PARTS
from charrnn.runs.seal import seal, unseal
from charrnn.strict_file import open_file, read_file
from charrnn.strict_json import LARGEST

#: A file below a directory, never out of it and never hidden.
_NAME = r"^\w[\w.-]*(/\w[\w.-]*)*$"
FileName = Annotated[str, StringConstraints(pattern=_NAME, max_length=255)]


class FileRecord(Settings):
    """What a file was: its length in bytes, and its SHA-256."""

    size: int = Field(ge=0, le=10**15)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @classmethod
    def of(cls, path: Path, size: int | None = None) -> FileRecord:
        """Describe a file, or its first ``size`` bytes.

        Raises:
            OSError: it cannot be read.
        """
        with open_file(path) as file:
            if size is None:
                digest = hashlib.file_digest(file, "sha256")
                return cls(size=file.tell(), sha256=digest.hexdigest())
            digest = hashlib.sha256()
            left = size
            while left and (piece := file.read(min(left, 1 << 20))):
                digest.update(piece)
                left -= len(piece)
            return cls(size=size - left, sha256=digest.hexdigest())


class Manifest(Settings):
    """The files of a save, by name, and ``metrics.jsonl`` as long as it was when that was saved."""

    format_version: Literal[2] = 2
    files: dict[FileName, FileRecord]
    metrics: FileRecord | None = None

    def to_bytes(self) -> bytes:
        """Write as sealed JSON."""
        return seal(self.model_dump(mode="json"))


def read_manifest(path: Path) -> tuple[Manifest, str]:
    """Read and check a manifest; returns its seal too.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        content, found = unseal(read_file(path, LARGEST))
        if not found:
            raise RunError(f"{path} is damaged: it has no seal")
        return check(Manifest, content), found
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, UsageError) as error:
        raise RunError(f"{path} is damaged: {error}") from None


def manifest_of(directory: Path, metrics: FileRecord | None) -> Manifest:
    """Describe the files of a save, all of which are there."""
    return Manifest(files={name: FileRecord.of(directory / name) for name in PARTS}, metrics=metrics)


def names_below(directory: Path) -> list[str]:
    """Name every file below a directory."""
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def records_of(directory: Path) -> dict[str, FileRecord]:
    """Describe every file below a directory.

    Raises:
        RunError: no manifest could hold its name.
    """
    names = names_below(directory)
    for name in names:
        if not re.fullmatch(_NAME, name):
            raise RunError(
                f"a run cannot hold a file called '{name}': a name is of letters, digits, '_', '-' and '.', and begins "
                "with neither of the last two"
            )
    return {name: FileRecord.of(directory / name) for name in names}


def check_file(path: Path, record: FileRecord) -> None:
    """Compare a file with what it was.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        size = path.stat().st_size
        if size != record.size:  # no need to read it all, however long it has become
            raise RunError(f"{path} is damaged: it has {size:,} bytes, and was saved with {record.size:,}")
        found = FileRecord.of(path)
    except OSError as error:
        raise RunError(f"{path} is damaged: {error.strerror}") from None
    if found != record:
        raise RunError(f"{path} is damaged: its SHA-256 is not that of what was saved")


def damaged_files(directory: Path, records: Mapping[str, FileRecord]) -> Iterator[tuple[Path, str]]:
    """Yield the files of a directory that are not what they were, each with how."""
    for name, record in records.items():
        try:
            check_file(directory / name, record)
        except RunError as error:
            yield directory / name, str(error)
