"""A corpus whose splits are another's under other names, or ranges of bytes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.corpora.base import Corpus, Shard
from charrnn.corpora.pieces import byte_range
from charrnn.corpora.view import View
from charrnn.errors import CorpusError, UsageError

#: A byte's place; Python refuses to read a number of very many digits.
_BOUND = r"[0-9](?:_?[0-9]){0,19}"
_PART = re.compile(rf"(?P<split>\w+(?:[.-]\w+)*)(?:\[(?P<start>{_BOUND})?:(?P<stop>{_BOUND})?\])?")
_OWN = re.compile(r"\w+(?:[.-]\w+)*")


@dataclass(frozen=True)
class SplitPart:
    """A split of a dataset, or a range of its text.

    Attributes:
        split: the dataset's name for it.
        start: the first byte, counted in UTF-8.
        stop: the byte after the last; None for the end of the text.
    """

    split: str
    start: int = 0
    stop: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is the split itself."""
        return self.start == 0 and self.stop is None


class SplitMap(View):
    """Gives a corpus's splits other names, or cuts them.

    Args:
        corpus: what is read.
        parts: by the names that the splits are to have.
        recipe: the name of the recipe that says so, for messages.

    Raises:
        CorpusError: the corpus has no such split.
    """

    def __init__(self, corpus: Corpus, parts: Mapping[str, SplitPart], recipe: str) -> None:
        super().__init__(corpus)
        self._parts = dict(parts)
        there = corpus.splits()
        for own, part in parts.items():
            if part.split not in there:
                corpus.close()
                raise CorpusError(
                    f"the recipe '{recipe}' is out of date: it takes '{own}' from a split '{part.split}', and the "
                    f"splits are {', '.join(there)}; mend [splits] in corpora/{recipe}.toml"
                )

    def splits(self) -> tuple[str, ...]:
        """Return the names that the map gives."""
        return tuple(self._parts)

    def read(self, split: str) -> Iterator[str]:
        """Yield the text of the split, or its range of it."""
        part = self._parts[split]
        text = self._corpus.read(part.split)
        return text if part.is_whole else byte_range(text, part.start, part.stop)

    def shards(self, split: str) -> list[Shard]:
        """Return the split's own shards where it has only another name; a range is one."""
        part = self._parts[split]
        return self._corpus.shards(part.split) if part.is_whole else super().shards(split)

    def provenance(self) -> dict[str, Any]:
        """Add which split is what to the corpus's own."""
        parts = {own: [part.split, part.start, part.stop] for own, part in self._parts.items()}
        return {**self._corpus.provenance(), "splits": parts}

    def size(self) -> int | None:
        """Add up the ranges; where one has no end, it is the corpus's own."""
        lengths = [None if part.stop is None else part.stop - part.start for part in self._parts.values()]
        known = [length for length in lengths if length is not None]
        return sum(known) if len(known) == len(lengths) else self._corpus.size()


def parse_part(text: str) -> SplitPart:
    """Read ``train`` or ``train[0:90_000_000]``.

    Raises:
        UsageError: it has another form, or an empty range.
    """
    match = _PART.fullmatch(text)
    if not match:
        raise UsageError(f"{text!r} should be a split, or a range of its bytes, such as train[0:90000000]")
    start, stop = int(match["start"] or 0), int(match["stop"]) if match["stop"] else None
    if stop is not None and stop <= start:
        raise UsageError(f"{text!r} is empty: a range runs from its first byte to the one after its last")
    return SplitPart(match["split"], start, stop)


def is_split_name(name: str) -> bool:
    """Tell whether a split can be called so: it becomes the name of a file."""
    return bool(_OWN.fullmatch(name))
