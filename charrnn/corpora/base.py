"""The contract of a corpus."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

from charrnn.corpora.pieces import utf8_size
from charrnn.registry import Entry

#: Names under which datasets keep what is meant for validation, the most usual first.
VALIDATION_NAMES = ("validation", "valid", "val", "dev")

#: Called with what is being done, how many bytes of text were read in it, and about how many there are.
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Shard:
    """A part of a split that can be read by itself: a stream takes a split's shards in any order.

    Attributes:
        read: yields the shard's text in pieces, the same each time.
        documents: whether each piece is a whole document, without the separator, so that they too may be put in another
            order; otherwise the pieces are one text.
    """

    read: Callable[[], Iterator[str]]
    documents: bool = False


class Corpus(ABC):
    """Text in one or more splits, and where it came from.

    Attributes:
        name: short, fit for a file name.
        separator: what stands between documents; a text's first token is predicted from it.
        streamed: whether it is too large for anyone's disk, so that training streams it unless told otherwise.
        entry: the registered name that it was opened by, if it was by one.
        options: that it was opened with.
    """

    name: str
    separator: str = ""
    streamed: bool = False
    entry: Entry | None = None
    options: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def splits(self) -> tuple[str, ...]:
        """Return the names of the splits; ``train`` is one of them."""

    @abstractmethod
    def read(self, split: str) -> Iterator[str]:
        """Yield a split's text in pieces of any length, the separator already between documents.

        Raises:
            CorpusError: the text cannot be read.
        """

    def shards(self, split: str) -> list[Shard]:
        """Return the parts that a stream of the split is made of; by default it is one, and read in order.

        Raises:
            CorpusError: the text cannot be reached.
        """
        return [Shard(lambda: self.read(split))]

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Return where the text came from, as JSON: what a reader needs to find the very same text."""

    def go_back(self, provenance: Mapping[str, Any]) -> None:  # noqa: B027 - most have one text
        """Turn to the text of an earlier provenance, where the source keeps old ones; by default there is one text.

        Called before anything is read.
        """

    def follow(self, progress: Progress) -> None:  # noqa: B027 - most have their text at hand
        """Tell ``progress`` from now on of what takes long before there is any text, such as a download."""

    def fingerprint(self) -> str:
        """Return a hash that differs when the text may: by default, of the provenance."""
        return digest(self.provenance())

    @final
    def identity(self) -> str:
        """Return what tells this text from others in the cache: a plugin's corpus is another if its code is."""
        if self.entry is None or self.entry.owner.ours:
            return self.fingerprint()
        owner = self.entry.owner
        return digest([self.fingerprint(), self.entry.name, dict(self.options), owner.plugin, owner.sha256])

    def size(self) -> int | None:
        """Return the text's size in bytes, roughly, where it is known."""
        return None

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of what was only needed while reading."""


def digest(value: object) -> str:
    """Hash a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_all(corpus: Corpus, splits: Iterable[str], doing: str, progress: Progress) -> Iterator[str]:
    """Read splits one after another, and tell of how far it is."""
    done, total = 0, corpus.size()
    for split in splits:
        for piece in corpus.read(split):
            yield piece
            done += utf8_size(piece)
            progress(doing, done, total)
