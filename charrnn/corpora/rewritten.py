"""A corpus whose text is changed as it is read: line ends, Unicode normalization, and no more than so many bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from charrnn.corpora.base import Corpus, Shard
from charrnn.corpora.pieces import first_bytes
from charrnn.corpora.view import View
from charrnn.settings import CorpusSettings
from charrnn.tokenizers.segments import aligned

Pieces = Iterable[str]
#: Marks on one letter that are waited for: no text has so many, and to look for more would take forever.
_MOST_MARKS = 1 << 14


class Rewritten(View):
    """Another corpus, as the settings want its text.

    Args:
        corpus: where the text comes from.
        settings: of which ``newlines``, ``normalize`` and ``max_bytes`` count.
    """

    def __init__(self, corpus: Corpus, settings: CorpusSettings) -> None:
        super().__init__(corpus)
        self._settings = settings

    @staticmethod
    def is_asked(settings: CorpusSettings) -> bool:
        """Tell whether there is anything to change."""
        return settings.newlines != "keep" or settings.normalize != "none" or settings.max_bytes is not None

    def read(self, split: str) -> Iterator[str]:
        """Yield the changed text."""
        return self._rewrite(self._corpus.read(split), self._settings.max_bytes)

    def shards(self, split: str) -> list[Shard]:
        """Return the corpus's own, changed; or one, where only the start of the split is asked for."""
        if self._settings.max_bytes is not None:
            return super().shards(split)
        return [self._shard(each) for each in self._corpus.shards(split)]

    def provenance(self) -> dict[str, Any]:
        """Add what was changed; a newer Unicode normalizes more."""
        asked = self._settings
        changes: dict[str, Any] = {"newlines": asked.newlines, "max_bytes": asked.max_bytes}
        if asked.normalize != "none":
            changes |= {"normalize": asked.normalize, "unicode": unicodedata.unidata_version}
        return {**self._corpus.provenance(), "rewritten": changes}

    def size(self) -> int | None:
        """Return the corpus's size, or what there is at most."""
        size, most = self._corpus.size(), self._settings.max_bytes
        return size if most is None else min(most if size is None else size, most)

    def _shard(self, shard: Shard) -> Shard:
        if not shard.documents:
            return Shard(lambda: self._rewrite(shard.read()))
        return Shard(lambda: ("".join(self._rewrite([each])) for each in shard.read()), documents=True)

    def _rewrite(self, texts: Pieces, max_bytes: int | None = None) -> Iterator[str]:
        if self._settings.newlines == "fold":
            texts = folded(texts)
        if self._settings.normalize != "none":
            texts = normalized(texts, self._settings.normalize)
        if max_bytes is not None:
            texts = first_bytes(texts, max_bytes)
        return iter(texts)


def folded(texts: Pieces) -> Iterator[str]:
    """Make one LF of each CR LF and of each other CR."""
    for text in aligned(texts, lambda whole: len(whole) - whole.endswith("\r")):
        yield text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def normalized(texts: Pieces, form: str) -> Iterator[str]:
    """Normalize a text that comes in pieces, to ``nfc`` or ``nfkc``; the result is that of the whole."""
    unicode_form: Any = form.upper()
    normalize: Callable[[str], str] = lambda text: unicodedata.normalize(unicode_form, text)  # noqa: E731

    def boundary(text: str) -> int:
        """Find the last place that nothing can be joined or moved across."""
        if text.isascii():
            return max(len(text) - 1, 0)  # the last letter may still get an accent
        places = range(len(text) - 1, max(0, len(text) - _MOST_MARKS), -1)
        alone = next((place for place in places if _stands_alone(normalize(text[place]))), 0)
        return alone or (len(text) if len(text) > _MOST_MARKS else 0)

    for text in aligned(texts, boundary):
        yield text if text.isascii() else normalize(text)


def _stands_alone(normal: str) -> bool:
    """Tell whether a character, given in normal form, is never joined with or moved before what precedes it.

    What is joined to a character before it is a mark, a vowel or final consonant of Hangul, or, since Unicode 16, a
    vowel of Kirat Rai.
    """
    first = normal[0]
    return not (
        unicodedata.category(first).startswith("M")
        or unicodedata.combining(first)
        or "\u1160" <= first <= "\u11ff"
        or "\U00016d63" <= first <= "\U00016d6a"
    )
