"""What ``help()`` says of the Python language: English prose that is always there, and freely licensed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from charrnn.corpora.base import Corpus, digest
from charrnn.corpora.pieces import joined
from charrnn.errors import CorpusError
from charrnn.settings import CorpusSettings


class Topics(Corpus):
    """The running Python's help texts, in the order of their names.

    Raises:
        CorpusError: this Python came without them.
    """

    def __init__(self, name: str, settings: CorpusSettings) -> None:
        self.name = name
        self.separator = "\n" if settings.separator is None else settings.separator
        try:
            from pydoc_data.topics import topics
        except ImportError:
            raise CorpusError("this Python came without pydoc_data; give a text file instead") from None
        self._topics: dict[str, str] = dict(sorted(topics.items()))

    def splits(self) -> tuple[str, ...]:
        """Return the only split."""
        return ("train",)

    def read(self, split: str) -> Iterator[str]:  # noqa: ARG002 - there is one
        """Yield topic after topic."""
        return joined(self._topics.values(), self.separator)

    def provenance(self) -> dict[str, Any]:
        """Name the Python whose texts they are, with a hash of them, since they differ from version to version."""
        return {
            "source": "pydoc topics",
            "python": ".".join(map(str, sys.version_info[:3])),
            "topics": len(self._topics),
            "sha256": digest(self._topics),
            "separator": self.separator,
            "licence": "PSF-2.0",
        }

    def size(self) -> int:
        """Add up the topics."""
        return sum(len(text.encode()) for text in self._topics.values())
