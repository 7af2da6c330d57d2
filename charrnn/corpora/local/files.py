"""Text files, folders and globs, and files of rows that ``datasets`` reads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from glob import escape, glob, has_magic
from pathlib import Path
from typing import IO, Any

from charrnn.command_line import command_line, quoted
from charrnn.corpora.base import Corpus, Shard, digest
from charrnn.corpora.local.compressed import OPENERS, reading_errors
from charrnn.corpora.local.csv_rows import CsvRows
from charrnn.corpora.local.decoding import can_be_cut, decoded
from charrnn.corpora.pieces import joined, joined_streams
from charrnn.corpora.quiet import import_datasets
from charrnn.corpora.rows.sources import DatasetRows, ParquetRows, Rows
from charrnn.corpora.rows.texts import texts
from charrnn.errors import CharrnnError, CorpusError, CorpusWarning, near_names
from charrnn.settings import CorpusSettings

_CSV = "csv"
#: What ``datasets`` calls the builder that reads a suffix.
ROWS = {
    ".parquet": "parquet",
    ".csv": _CSV,
    ".tsv": _CSV,
    ".json": "json",
    ".jsonl": "json",
    ".arrow": "arrow",
}
#: Bytes of a text file that are a shard of a stream.
SHARD_BYTES = 64 << 20
_SNIFF = 8192
#: Files that a provenance lists, at most: it goes into every run of them.
_MOST_LISTED = 1000
#: The hash of where and when, in a provenance that lists no files.
_PLACES = "sha256_of_places"


class Files(Corpus):
    """One or more files, read in the order of their names."""

    separator = "\n"

    def __init__(self, name: str, paths: list[Path], settings: CorpusSettings) -> None:
        self.name = name
        self.paths = paths
        self._settings = settings
        self._told: set[Path] = set()
        # As they are now: what is written into them later is not read.
        self._statuses = {path: path.stat() for path in paths}
        if settings.separator is not None:
            self.separator = settings.separator

    def splits(self) -> tuple[str, ...]:
        """Return the only split."""
        return ("train",)

    def read(self, split: str) -> Iterator[str]:  # noqa: ARG002 - there is one
        """Yield file after file."""
        if len(self.paths) == 1:
            return self._pieces(self.paths[0])
        return joined_streams((self._pieces(path) for path in self.paths), self.separator)

    def shards(self, split: str) -> list[Shard]:  # noqa: ARG002 - there is one
        """Return each file of rows, and each text file in runs of lines."""
        return [shard for path in self.paths for shard in self._shards(path)]

    def provenance(self) -> dict[str, Any]:
        """Name the files with their sizes and times of change, and how they are read."""
        read = self._settings
        rows = [read.column, read.template, sorted(read.filter.items())]
        files = [[str(path.resolve()), status.st_size, status.st_mtime_ns] for path, status in self._statuses.items()]
        return {
            "source": "files",
            **({"files": files} if len(files) <= _MOST_LISTED else _summed_up(files)),
            "reading": [*rows, read.encoding, read.errors, self.separator],
        }

    def size(self) -> int | None:
        """Add up the files, unless one of them is packed."""
        if any(path.suffix.lower() in OPENERS or _rows_kind(path) for path in self.paths):
            return None
        return sum(status.st_size for status in self._statuses.values())

    def _pieces(self, path: Path) -> Iterator[str]:
        kind = _rows_kind(path)
        if kind:
            return joined(self._rows(path, kind), self.separator)
        return self._text(path)

    def _shards(self, path: Path) -> list[Shard]:
        kind = _rows_kind(path)
        if kind:
            return [Shard(lambda: self._rows(path, kind), documents=self.separator != "")]
        if path.suffix.lower() in OPENERS or not can_be_cut(self._settings.encoding):
            return [Shard(lambda: self._pieces(path))]
        starts = range(0, max(self._statuses[path].st_size, 1), SHARD_BYTES)
        return [Shard(partial(self._text, path, start, start + SHARD_BYTES)) for start in starts]

    def _text(self, path: Path, start: int = 0, stop: int | None = None) -> Iterator[str]:
        """Read a text file; given a start and stop, the lines that begin between them."""
        for name in ("column", "template", "filter"):
            if getattr(self._settings, name):
                others = "" if len(self.paths) == 1 else ", or name the files that have by a glob such as '*.parquet'"
                raise CorpusError(f"--{name}: '{path}' is plain text, which has no columns; leave it out{others}")
        return self._plain(path, start, stop)

    def _plain(self, path: Path, start: int = 0, stop: int | None = None) -> Iterator[str]:
        opener = OPENERS.get(path.suffix.lower())
        try:
            if opener:
                with opener(path) as stream:
                    yield from decoded(stream, path.name, self._settings)
                self._check_unchanged(path, may_grow=False)
                return
            size = self._statuses[path].st_size
            with path.open("rb") as file:
                begin, end = (_next_line(file, place, size) for place in (start, size if stop is None else stop))
                file.seek(begin)
                yield from decoded(ByteRange(file, end), path.name, self._settings, begin)
            self._check_unchanged(path)
        except reading_errors() as error:
            packed = f"; is it really {path.suffix}?" if opener else ""
            raise CorpusError(f"'{path}' cannot be read: {_reason(error)}{packed}") from error

    def _check_unchanged(self, path: Path, *, may_grow: bool = True) -> None:
        before, now = self._statuses[path], path.stat()
        if may_grow and now.st_size > before.st_size:
            if path not in self._told:
                self._told.add(path)
                told = f"'{path}' has grown while it was read; its first {before.st_size:,} bytes are the corpus"
                warnings.warn(told, CorpusWarning, stacklevel=2)
        elif (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise CorpusError(f"'{path}' was changed while it was read; try again once it stays as it is")

    def _rows(self, path: Path, kind: str) -> Iterator[str]:
        try:
            yield from texts(self._open_rows(path, kind), self._settings, whole=len(self.paths) == 1)
            self._check_unchanged(path, may_grow=False)
        except CharrnnError:
            raise
        # datasets has no error of its own for a file that is not what its suffix says: what it raises is whatever
        # pyarrow, pandas or fsspec raised beneath.
        except Exception as error:
            raise CorpusError(
                f"'{path}' cannot be read as {kind}: {_reason(error)}; is it really {path.suffix}? "
                "With another suffix it is read as plain text"
            ) from error

    def _open_rows(self, path: Path, kind: str) -> Rows:
        if kind == _CSV:
            return CsvRows(path.name, partial(self._plain, path), tabs=".tsv" in _suffixes(path))
        datasets = import_datasets()
        if path.suffix.lower() == ".parquet":
            return ParquetRows(path)
        rows = datasets.load_dataset(kind, data_files=escape(str(path)), split="train", streaming=True)
        return DatasetRows(rows, path.name)


def without_place(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provenance without where its files lie and when they were written: a copy has others."""
    files = provenance.get("files")
    if isinstance(files, list):
        return {**provenance, "files": _without_place(files)}
    return {key: value for key, value in provenance.items() if key != _PLACES}


def _without_place(files: list[Any]) -> list[Any]:
    # A run that comes from a stranger may say anything.
    return [[Path(path).name, size] for path, size, _ in files] if all(map(_is_file, files)) else files


def _is_file(listed: object) -> bool:
    return isinstance(listed, list) and len(listed) == 3 and isinstance(listed[0], str)


def _summed_up(files: list[Any]) -> dict[str, Any]:
    """Tell files that are too many to be listed from others, where they lie and in a copy."""
    return {"files": len(files), "sha256": digest(_without_place(files)), _PLACES: digest(files)}


def find_files(pattern: str) -> list[Path]:
    """Find what a path, a folder or a glob stands for.

    Raises:
        CorpusError: nothing is there, or nothing in it is text.
    """
    path = Path(pattern).expanduser()
    if path.is_dir():
        inside = (each for each in path.rglob("*") if not _hidden(each.relative_to(path)))
        found = sorted(each for each in inside if each.is_file() and _readable(each))
        if not found:
            raise CorpusError(f"the folder '{pattern}' holds no text; give a folder or a file that does")
        return found
    if path.exists():
        if not path.is_file():
            piped = f"{command_line('train', '-')} < {quoted(pattern)}"
            raise CorpusError(f"'{pattern}' is no file that can be read twice; pipe it in: {piped}")
        if path.stat().st_size == 0:
            raise CorpusError(f"the file '{pattern}' is empty; give one that holds text")
        return [path]
    if has_magic(pattern):
        matches = sorted(Path(each) for each in glob(str(path), recursive=True))  # noqa: PTH207 - it may be absolute
        found = [each for each in matches if each.is_file() and _readable(each)]
        if not found:
            raise CorpusError(f"no text file matches '{pattern}'")
        return found
    if path.is_symlink():
        raise CorpusError(f"'{pattern}' is a link to '{path.readlink()}', which is not there")
    siblings = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    raise CorpusError(f"there is no file '{pattern}': {near_names(path.name, siblings)}")


class ByteRange:
    """The bytes of a file up to a place; one that grows meanwhile is read to where it ended."""

    def __init__(self, file: IO[bytes], end: int) -> None:
        self._file = file
        self._left = end - file.tell()

    def read(self, size: int) -> bytes:
        """Read at most so many bytes."""
        found = self._file.read(min(size, self._left))
        self._left -= len(found)
        return found


def _next_line(file: IO[bytes], place: int, size: int) -> int:
    """Return where the first line begins at or behind a place; 0 and the end are such places."""
    if place <= 0 or place >= size:
        return max(0, min(place, size))
    file.seek(place - 1)
    while chunk := file.read(_SNIFF):
        found = chunk.find(b"\n")
        if found >= 0:
            return min(file.tell() - len(chunk) + found + 1, size)
    return size


def _suffixes(path: Path) -> list[str]:
    return [suffix.lower() for suffix in path.suffixes]


def _rows_kind(path: Path) -> str | None:
    """Name what reads a file of rows; ``datasets`` unpacks it where it is packed."""
    suffixes = [suffix for suffix in _suffixes(path) if suffix not in OPENERS]
    return ROWS.get(suffixes[-1]) if suffixes else None


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _readable(path: Path) -> bool:
    """Tell text from pictures and programs as git does: by a NUL byte near the start."""
    if _rows_kind(path) or path.suffix.lower() in OPENERS:
        return True
    with path.open("rb") as stream:
        start = stream.read(_SNIFF)
    return bool(start) and b"\0" not in start


def _reason(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return strerror or " ".join(str(error).split()) or type(error).__name__
