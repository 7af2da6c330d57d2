"""Files that are packed by gzip or zstandard."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self, cast

from charrnn.errors import CorpusError

_CHUNK = 1 << 20


class Zstandard:
    """Reads a file of one or more frames; the library's own reader takes one that breaks off for its end."""

    def __init__(self, file: IO[bytes], decompressor: Any) -> None:
        self._file = file
        self._decompressor = decompressor
        self._frame = decompressor.decompressobj()
        self._in_frame = False
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Read some bytes, perhaps more than ``size``; none at the end.

        Raises:
            EOFError: the file ends within a frame.
        """
        while True:
            packed, self._rest = self._rest or self._file.read(min(size, _CHUNK)), b""
            if not packed:
                if self._in_frame:
                    raise EOFError("the file ends before its content does")
                return b""
            found: bytes = self._frame.decompress(packed)
            self._in_frame = not self._frame.eof
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame = self._decompressor.decompressobj()
            if found:
                return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _gzip(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb"))


def _zstandard(path: Path) -> Zstandard:
    try:
        import zstandard
    except ImportError:
        raise CorpusError(f"'{path}' needs the zstandard package: pip install zstandard") from None
    return Zstandard(path.open("rb"), zstandard.ZstdDecompressor())


#: What opens a packed file, by its suffix.
OPENERS: dict[str, Callable[[Path], IO[bytes] | Zstandard]] = {".gz": _gzip, ".zst": _zstandard}


def reading_errors() -> tuple[type[Exception], ...]:
    """Return what reading a file may raise, zstandard's own error among them if it is in use."""
    module = sys.modules.get("zstandard")
    return (OSError, EOFError, zlib.error, *([] if module is None else [module.ZstdError]))
