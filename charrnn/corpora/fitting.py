"""Training a corpus's tokenizer, once: the result is kept in the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.corpora.base import Corpus, Progress, digest, read_all
from charrnn.corpora.cache import cache_key, cached
from charrnn.errors import CorpusError
from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.registry import Entry
from charrnn.settings import TokenizerSettings
from charrnn.tokenizers.base import Tokenizer

_FORMAT = 1


@dataclass(frozen=True)
class FittedTokenizer:
    """A tokenizer, whose it is, and the directory that holds its files."""

    tokenizer: Tokenizer
    entry: Entry
    directory: Path

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest type that holds the ids, which they are kept and sent in."""
        return np.min_scalar_type(max(self.tokenizer.vocab_size - 1, 0))

    def identity(self) -> str:
        """Hash what makes its ids: the same tokenizer, the same packs."""
        files = sorted(path for path in self.directory.iterdir() if path.is_file())
        hashes = [[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]
        return digest([self.entry.name, *_code(self.entry), self.tokenizer.vocab_size, hashes])


def _code(entry: Entry) -> list[str]:
    """Name a tokenizer's code: charrnn's own by its version, a plugin's by its hash."""
    owner = entry.owner
    return [owner.plugin, owner.version if owner.ours else owner.sha256]


def load_tokenizer(name: str, directory: Path) -> FittedTokenizer:
    """Load a tokenizer from the files that it saved."""
    entry = plugins().tokenizers[name]
    loaded = entry.load()
    with entry.blamed():
        return FittedTokenizer(loaded.load(directory), entry, directory)


def fit_tokenizer(corpus: Corpus, settings: TokenizerSettings, progress: Progress) -> FittedTokenizer:
    """Train the tokenizer that the settings ask for on all splits of the corpus, or take it from the cache.

    Raises:
        UsageError: no such tokenizer, or no such option of it.
        CorpusError: the corpus cannot be read, or holds nothing to learn from.
    """
    entry = plugins().tokenizers[settings.tokenizer]
    tokenizer = entry.load()
    options = check_options(entry, tokenizer.train, settings.tokenizer_options)
    key = cache_key(corpus.name, [_FORMAT, corpus.identity(), entry.name, *_code(entry), options])

    def build(directory: Path) -> None:
        texts = read_all(corpus, corpus.splits(), f"learning {entry.name} tokens", progress)
        with entry.blamed():
            trained = tokenizer.train(texts, **options)
            if trained.vocab_size == 0:
                raise CorpusError(f"the corpus '{corpus.name}' is empty; give one that holds text")
            trained.save(directory)

    directory = cached("tokenizers", key, build, progress)
    return load_tokenizer(entry.name, directory)
