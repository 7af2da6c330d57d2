"""Text files, folders and globs, and files of rows that ``datasets`` reads."""

from __future__ import annotations

import codecs
import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import IO, Any, cast

from charrnn.corpora.base import Corpus, joined, joined_streams
from charrnn.corpora.quiet import import_datasets
from charrnn.corpora.rows import texts
from charrnn.errors import CharrnnError, CorpusError, near_names
from charrnn.settings import CorpusSettings

#: What ``datasets`` calls the builder that reads a suffix.
ROWS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".arrow": "arrow",
}
_CHUNK = 1 << 20
_SNIFF = 8192


class Files(Corpus):
    """One or more files, read in the order of their names."""

    separator = "\n"

    def __init__(self, name: str, paths: list[Path], settings: CorpusSettings) -> None:
        self.name = name
        self.paths = paths
        self._settings = settings
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

    def provenance(self) -> dict[str, Any]:
        """Name the files with their sizes and times of change, and how they are read."""
        read = self._settings
        return {
            "source": "files",
            "files": [
                [str(path.resolve()), status.st_size, status.st_mtime_ns]
                for path in self.paths
                for status in [path.stat()]
            ],
            "reading": [read.column, read.encoding, read.errors, self.separator],
        }

    def size(self) -> int | None:
        """Add up the files, unless one of them is packed."""
        if any(path.suffix.lower() in _OPENERS or _rows_kind(path) for path in self.paths):
            return None
        return sum(path.stat().st_size for path in self.paths)

    def _pieces(self, path: Path) -> Iterator[str]:
        kind = _rows_kind(path)
        if kind:
            return self._rows(path, kind)
        if self._settings.column is not None:
            raise CorpusError(f"--column {self._settings.column}: '{path}' is read as plain text, which has no columns")
        return self._text(path)

    def _text(self, path: Path) -> Iterator[str]:
        try:
            with _OPENERS.get(path.suffix.lower(), _plain)(path) as stream:
                yield from decoded(stream, path.name, self._settings)
        except _reading_errors() as error:
            packed = f"; is it really {path.suffix}?" if path.suffix.lower() in _OPENERS else ""
            raise CorpusError(f"'{path}' cannot be read: {_reason(error)}{packed}") from error

    def _rows(self, path: Path, kind: str) -> Iterator[str]:
        datasets = import_datasets()
        options: dict[str, Any] = {}
        if kind == "csv":
            options = {"encoding": self._settings.encoding, "encoding_errors": self._settings.errors}
            options["keep_default_na"] = False  # "NA" and "null" are words
            options["sep"] = "\t" if ".tsv" in _suffixes(path) else ","
        try:
            rows = datasets.load_dataset(kind, data_files=str(path), split="train", streaming=True, **options)
            yield from joined(texts(rows, self._settings, path.name), self.separator)
        except CharrnnError:
            raise
        # datasets has no error of its own for a file that is not what its suffix says: what it raises is whatever
        # pyarrow, pandas or fsspec raised beneath.
        except Exception as error:
            raise CorpusError(
                f"'{path}' cannot be read as {kind}: {_reason(error)}; "
                "give its --encoding, or another suffix to read it as plain text"
            ) from error


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
        if path.stat().st_size == 0 and path.is_file():
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


def decoded(stream: IO[bytes], name: str, settings: CorpusSettings) -> Iterator[str]:
    """Decode a stream at constant memory.

    Raises:
        CorpusError: it is not in the encoding; the message gives the byte's offset.
    """
    try:
        b"a".decode(settings.encoding, "replace")  # knows text encodings only, where the look-up knows others as well
        decoder = codecs.getincrementaldecoder(settings.encoding)(settings.errors)
    except LookupError:
        raise CorpusError(f"--encoding '{settings.encoding}' is not known; try utf-8 or latin-1") from None
    offset = 0
    first = True
    while True:
        chunk = stream.read(_CHUNK)
        waiting = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            where = offset - waiting + error.start
            raise CorpusError(
                f"'{name}' is not {settings.encoding}: byte 0x{error.object[error.start]:02x} at offset {where}; "
                "give its --encoding (such as latin-1), or --errors replace"
            ) from None
        except UnicodeError as error:
            raise CorpusError(f"'{name}' is not {settings.encoding}: {error}; give another --encoding") from None
        offset += len(chunk)
        if first:
            text = text.removeprefix("\ufeff")  # a byte order mark is no text
            first = False
        if text:
            yield text
        if not chunk:
            return


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _gzip(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb"))


def _zstandard(path: Path) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        raise CorpusError(f"'{path}' needs the zstandard package: pip install zstandard") from None
    return cast(IO[bytes], zstandard.open(path, "rb"))


_OPENERS: dict[str, Callable[[Path], IO[bytes]]] = {".gz": _gzip, ".zst": _zstandard}


def _reading_errors() -> tuple[type[Exception], ...]:
    """Return what reading a file may raise, zstandard's own error among them if it is in use."""
    module = sys.modules.get("zstandard")
    return (OSError, EOFError, zlib.error, *([] if module is None else [module.ZstdError]))


def _suffixes(path: Path) -> list[str]:
    return [suffix.lower() for suffix in path.suffixes]


def _rows_kind(path: Path) -> str | None:
    """Name what reads a file of rows; ``datasets`` unpacks it where it is packed."""
    suffixes = [suffix for suffix in _suffixes(path) if suffix not in _OPENERS]
    return ROWS.get(suffixes[-1]) if suffixes else None


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _readable(path: Path) -> bool:
    """Tell text from pictures and programs as git does: by a NUL byte near the start."""
    if _rows_kind(path) or path.suffix.lower() in _OPENERS:
        return True
    with path.open("rb") as stream:
        start = stream.read(_SNIFF)
    return bool(start) and b"\0" not in start


def _reason(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    return strerror or " ".join(str(error).split()) or type(error).__name__
