"""What is there already of a split that is being packed, so that a build that was killed is taken up again."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Shard:
    """A run of a split's tokens: one line of the journal.

    Attributes:
        text_sha256: of the split's text up to the shard's end, in UTF-8.
        ids_crc32: of the shard's ids as they are on disk.
        chars: of its text.
        bytes: of its text in UTF-8.
        tokens: of it.
        unseen: how often each character is unknown to the tokenizer.
    """

    text_sha256: str
    ids_crc32: int
    chars: int
    bytes: int
    tokens: int
    unseen: dict[str, int]


class Journal:
    """The file of a split's ids, and a line for each shard in it.

    Nothing is flushed to disk: a shard counts only where the ids that are read again have the sum that its line gives.

    Args:
        ids: the file of ids.
        itemsize: bytes of an id.
    """

    def __init__(self, ids: Path, itemsize: int) -> None:
        self._lines_path = ids.with_suffix(".journal")
        self._itemsize = itemsize
        self._before = self._read()
        self._end = 0  # of the ids that count, in bytes
        ids.touch()
        self._lines_path.touch()
        self._ids = ids.open("r+b")
        self._lines = self._lines_path.open("w", encoding="utf-8")

    def resume(self, text_sha256: str) -> Shard | None:
        """Return the next shard, if an earlier build has it and of this very text; once it does not, never again."""
        shard = self._before.pop(0) if self._before else None
        if shard is not None and shard.text_sha256 == text_sha256:
            ids = self._ids.read(shard.tokens * self._itemsize)
            if zlib.crc32(ids) == shard.ids_crc32:
                self._note(shard)
                return shard
        self._before.clear()
        return None

    def append(self, shard: Shard, ids: bytes) -> None:
        """Write a shard behind those that count."""
        self._ids.seek(self._end)
        self._ids.write(ids)
        self._ids.flush()
        self._note(shard)

    def finish(self) -> None:
        """Leave nothing but the ids."""
        self._ids.truncate(self._end)
        self._lines.close()
        self._lines_path.unlink()

    def close(self) -> None:
        """Close the files."""
        self._lines.close()
        self._ids.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _note(self, shard: Shard) -> None:
        self._lines.write(json.dumps(asdict(shard)) + "\n")
        self._lines.flush()
        self._end += shard.tokens * self._itemsize

    def _read(self) -> list[Shard]:
        shards = []
        if self._lines_path.exists():
            for line in self._lines_path.read_text(encoding="utf-8").splitlines():
                try:
                    shards.append(Shard(**json.loads(line)))
                except (ValueError, TypeError):
                    break  # cut short when the build was killed
        return shards
