"""Large corpora, made of the standard library's source over and over."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

_PIECE = 4 << 20


def write(kind: str, path: Path, size: int) -> Path:
    """Write a corpus of ``size`` bytes of ASCII.

    Args:
        kind: ``lines``, a text file; ``one-line``, one without a newline; ``rows``, parquet with a line of text a row.
        path: of the file, without a suffix.
        size: in bytes.
    """
    if kind == "rows":
        return _write_rows(path.with_suffix(".parquet"), size)
    path = path.with_suffix(".txt")
    with path.open("wb") as file:
        for piece in _pieces(size):
            file.write(piece.replace(b"\n", b" ") if kind == "one-line" else piece)
    return path


def _write_rows(path: Path, size: int) -> Path:
    import pyarrow
    import pyarrow.parquet

    with pyarrow.parquet.ParquetWriter(path, pyarrow.schema([("text", pyarrow.string())])) as writer:
        for piece in _pieces(size):
            lines = [line for line in piece.decode().split("\n") if line]
            writer.write_table(pyarrow.table({"text": lines}), row_group_size=100_000)
    return path


def _pieces(size: int) -> Iterator[bytes]:
    library = Path(sysconfig.get_path("stdlib"))
    source = b"".join(path.read_bytes() for path in sorted(library.glob("*.py")))
    source = source.decode("ascii", "ignore").encode()
    while size > 0:
        for start in range(0, len(source), _PIECE):
            piece = source[start : start + min(_PIECE, size)]
            if piece:
                yield piece
            size -= len(piece)
