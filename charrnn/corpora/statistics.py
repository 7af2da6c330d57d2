"""What a text is made of: its size and its characters, counted at constant memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from charrnn.corpora.base import Corpus, read_all
from charrnn.corpora.pieces import blocks, first_bytes, utf8_size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CODE_POINTS = 0x110000
#: Characters that are counted at a time: each count looks at every code point.
_BLOCK = 1 << 20
#: How much of a text's start is kept.
_START = 4000


@dataclass
class SplitSize:
    """How much of a split was read.

    Attributes:
        bytes: in UTF-8.
        characters: Unicode code points.
        is_sample: whether there is more.
    """

    bytes: int = 0
    characters: int = 0
    is_sample: bool = False


@dataclass(frozen=True)
class Statistics:
    """What was counted in a corpus.

    Attributes:
        splits: the size of each.
        counts: how often each code point occurs in all of them; ``[0x110000]``.
        start: the first characters of the training split.
    """

    splits: dict[str, SplitSize]
    counts: NDArray[np.int64]
    start: str

    @property
    def is_sample(self) -> bool:
        """Whether there is more of some split."""
        return any(each.is_sample for each in self.splits.values())

    @property
    def bytes(self) -> int:
        """The bytes of all splits, as far as they were read."""
        return sum(each.bytes for each in self.splits.values())

    @property
    def characters(self) -> int:
        """The characters of all splits, as far as they were read."""
        return sum(each.characters for each in self.splits.values())

    @property
    def alphabet_size(self) -> int:
        """How many different characters there are."""
        return int((self.counts > 0).sum())

    def most_common(self, number: int) -> list[tuple[str, int]]:
        """Return the most common characters and their counts, the most common first."""
        return self._ordered()[:number]

    def least_common(self, number: int) -> list[tuple[str, int]]:
        """Return the least common characters and their counts, the least common first."""
        return self._ordered()[::-1][:number]

    def _ordered(self) -> list[tuple[str, int]]:
        import numpy as np

        there = np.flatnonzero(self.counts)
        order = there[np.argsort(-self.counts[there], kind="stable")]
        return [(chr(code), int(self.counts[code])) for code in order]


def measure(corpus: Corpus, most: int | None = None) -> Statistics:
    """Count a corpus's characters.

    Args:
        corpus: what to read.
        most: no more of each split than so many bytes in UTF-8; None for all.

    Raises:
        CorpusError: it cannot be read.
    """
    import numpy as np

    counts = np.zeros(_CODE_POINTS, dtype=np.int64)
    splits, start = {}, ""
    for split in corpus.splits():
        pieces = read_all(corpus, [split], "reading", lambda *_: None)
        size = splits[split] = SplitSize()
        for block in blocks(pieces, _BLOCK):
            if most is not None:
                fits = "".join(first_bytes([block], most - size.bytes))
                block, size.is_sample = fits, len(fits) < len(block)
            if split == "train" and len(start) < _START:
                start += block[: _START - len(start)]
            raw = block.encode("utf-32-le", "surrogatepass")
            counts += np.bincount(np.frombuffer(raw, dtype=np.uint32), minlength=_CODE_POINTS)
            size.characters += len(block)
            size.bytes += utf8_size(block)
            if size.is_sample:
                break
    return Statistics(splits, counts, start)
