"""What is there already of a split that is being packed, so that a build that was killed is taken up again."""

from __future__ import annotations

import json
import zlib
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

JOURNAL = ".journal"


@dataclass(frozen=True)
class PackedShard:
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
        self._itemsize = itemsize
        lines = ids.with_suffix(JOURNAL)
        ids.touch()
        lines.touch()
        self._ids = ids.open("r+b")
        self._lines = lines.open("r+b")
        self._before = self._read()
        #: Where what counts ends, in both files.
        self._ids_end = self._lines_end = 0

    def resume(self, text_sha256: str) -> PackedShard | None:
        """Return the next shard, if an earlier build has it and of this very text; once it does not, never again."""
        if self._before:
            shard, lines_end = self._before.popleft()
            if shard.text_sha256 == text_sha256:
                size = shard.tokens * self._itemsize
                if zlib.crc32(self._ids.read(size)) == shard.ids_crc32:
                    self._ids_end += size
                    self._lines_end = lines_end
                    return shard
            self._before.clear()
        return None

    def append(self, shard: PackedShard, ids: bytes) -> None:
        """Write a shard behind those that count."""
        self._ids.seek(self._ids_end)
        self._ids.write(ids)
        self._ids.flush()
        self._ids_end += len(ids)
        line = json.dumps(asdict(shard)).encode() + b"\n"
        self._lines.seek(self._lines_end)
        self._lines.write(line)
        self._lines_end += len(line)
        self._lines.truncate(self._lines_end)
        self._lines.flush()

    def close(self) -> None:
        """Leave what counts, and close the files."""
        for file, end in ((self._ids, self._ids_end), (self._lines, self._lines_end)):
            if not self._before:  # else the rest was not looked at yet
                file.truncate(end)
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> deque[tuple[PackedShard, int]]:
        shards: deque[tuple[PackedShard, int]] = deque()
        end = 0
        for line in self._lines:
            end += len(line)
            try:
                shards.append((PackedShard(**json.loads(line)), end))
            except (ValueError, TypeError):
                break  # cut short when the build was killed
        return shards
