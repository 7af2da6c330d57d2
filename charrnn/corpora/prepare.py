"""From CORPUS on the command line to tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from charrnn.corpora.base import Progress
from charrnn.corpora.fitting import FittedTokenizer, fit_tokenizer
from charrnn.corpora.pack import TokenPack, open_pack
from charrnn.corpora.resolve import open_corpus
from charrnn.registry import Entry
from charrnn.settings import PreparationSettings


@dataclass(frozen=True)
class Prepared:
    """A corpus as tokens, with its tokenizer, and what is known of it."""

    name: str
    separator: str
    provenance: dict[str, Any]
    entry: Entry | None
    fitted: FittedTokenizer
    pack: TokenPack


def prepare(
    address: str,
    settings: PreparationSettings,
    progress: Progress,
    fitted: FittedTokenizer | None = None,
) -> Prepared:
    """Read a corpus, train its tokenizer unless one is given, and pack it, or take all of that from the cache.

    Raises:
        CorpusError: it cannot be found or read.
        UsageError: no such tokenizer or option.
    """
    corpus = open_corpus(address, settings)
    try:
        if fitted is None:
            fitted = fit_tokenizer(corpus, settings, progress)
        pack = open_pack(corpus, fitted, progress)
        return Prepared(corpus.name, corpus.separator, corpus.provenance(), corpus.entry, fitted, pack)
    finally:
        corpus.close()
