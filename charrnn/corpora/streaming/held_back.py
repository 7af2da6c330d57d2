"""What a stream leaves out for validation, and what its tokenizer learns from: small corpora, cut from a large one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from charrnn.corpora.base import VALIDATION_NAMES, Corpus, Shard
from charrnn.corpora.pieces import Ending, blocks, first_bytes
from charrnn.corpora.view import View

#: Bytes of text that are held back, at most.
HELD_BACK_BYTES = 1_000_000
#: Characters that are held back or learned from together, where a text does not come in documents.
_UNIT = 1 << 12


class HeldBack(View):
    """The validation text of a stream: the corpus's own, or a share of its documents that the stream leaves out.

    Which documents they are depends on their text and on nothing else, so that shuffling does not move them, and a text
    that comes twice is not on both sides.

    Args:
        corpus: is streamed.
        share: of the documents, where the corpus has no validation split.
    """

    def __init__(self, corpus: Corpus, share: float) -> None:
        super().__init__(corpus)
        self._share = share
        self._own = next((name for name in VALIDATION_NAMES if name in corpus.splits()), None)

    def splits(self) -> tuple[str, ...]:
        """Return the only split."""
        return ("validation",)

    def read(self, split: str) -> Iterator[str]:  # noqa: ARG002 - there is one
        """Yield the first of the text that is held back."""
        shards = self._corpus.shards(self._own or "train")
        kept = (
            unit for shard in shards for unit in units(shard, self.separator) if self._own or self._is_held_back(unit)
        )
        return first_bytes(kept, HELD_BACK_BYTES)

    def left(self, texts: Iterable[str]) -> Iterator[str]:
        """Leave out of the training text what is held back."""
        return (unit for unit in texts if self._own or not self._is_held_back(unit))

    def provenance(self) -> dict[str, Any]:
        """Say what it was cut out of, and how."""
        return {
            "corpus": self._corpus.provenance(),
            "held_back": {"split": self._own, "share": None if self._own else self._share, "bytes": HELD_BACK_BYTES},
        }

    def size(self) -> int | None:
        """Return what it is at most."""
        return HELD_BACK_BYTES

    def _is_held_back(self, unit: str) -> bool:
        return zlib.crc32(unit.encode("utf-8", "surrogatepass")) < self._share * 2**32


class Sample(View):
    """The first of a stream's text, in the corpus's own order.

    Args:
        corpus: is streamed.
        size: bytes of it.
    """

    def __init__(self, corpus: Corpus, size: int) -> None:
        super().__init__(corpus)
        self._size = size

    def splits(self) -> tuple[str, ...]:
        """Return the only split."""
        return ("train",)

    def read(self, split: str) -> Iterator[str]:
        """Yield the text."""
        texts = (unit for shard in self._corpus.shards(split) for unit in units(shard, self.separator))
        return first_bytes(texts, self._size)

    def provenance(self) -> dict[str, Any]:
        """Say what it was cut out of."""
        return {"corpus": self._corpus.provenance(), "sample": self._size}

    def size(self) -> int | None:
        """Return what it is at most."""
        return self._size


def units(shard: Shard, separator: str, documents: Iterable[str] | None = None) -> Iterator[str]:
    """Yield what is held back or learned from as a whole: a document with the separator behind it, or a run of text.

    Args:
        shard: of a split.
        separator: of the corpus.
        documents: those of the shard, if they are to come in another order.
    """
    if shard.documents:
        for document in shard.read() if documents is None else documents:
            yield document if document.endswith(separator) else document + separator
        return
    ending = Ending(separator)
    for unit in blocks(shard.read(), _UNIT):
        ending.read(unit)
        yield unit
    if ending.has_text and not ending.is_there:
        yield separator
