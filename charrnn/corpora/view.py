"""A corpus that shows another's text in another form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from charrnn.corpora.base import Corpus, Progress, digest


class View(Corpus):
    """Passes everything on but the text, which is for subclasses to show.

    Args:
        corpus: where the text comes from.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self.name, self.separator, self.streamed = corpus.name, corpus.separator, corpus.streamed
        self.entry, self.options = corpus.entry, corpus.options

    def splits(self) -> tuple[str, ...]:
        """Return the corpus's own."""
        return self._corpus.splits()

    def size(self) -> int | None:
        """Return the corpus's own."""
        return self._corpus.size()

    def fingerprint(self) -> str:
        """Hash the corpus's own, and what is made of it."""
        return digest([self._corpus.fingerprint(), self.provenance()])

    def go_back(self, provenance: Mapping[str, Any]) -> None:
        """Have the corpus go back."""
        self._corpus.go_back(provenance)

    def follow(self, progress: Progress) -> None:
        """Have the corpus tell of what it does."""
        self._corpus.follow(progress)

    def close(self) -> None:
        """Close the corpus."""
        self._corpus.close()
