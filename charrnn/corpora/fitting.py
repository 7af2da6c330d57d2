"""Training a corpus's tokenizer, once: the result is kept in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.corpora.base import Corpus, Progress, digest, read_all
from charrnn.corpora.cache import cache_key, cached
from charrnn.errors import CorpusError, UsageError
from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.registry import Entry
from charrnn.settings import TokenizerSettings
from charrnn.tokenizers.base import Growing, Ids, Tokenizer

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

    def encode(self, text: str) -> Ids:
        """Turn text into ids.

        Raises:
            PluginError: the tokenizer failed, or what it returns is none.
        """
        if self.entry.owner.ours:
            return self.tokenizer.encode(text)
        with self.entry.blamed():
            return _ids(self.tokenizer.encode(text), self.tokenizer.vocab_size)

    def identity(self) -> str:
        """Hash what makes its ids: the same tokenizer, the same packs."""
        files = sorted(path for path in self.directory.iterdir() if path.is_file())
        hashes = [[path.name, _sha256(path)] for path in files]
        return digest([self.entry.name, *_code(self.entry), self.tokenizer.vocab_size, hashes])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _code(entry: Entry) -> list[str]:
    """Name a tokenizer's code: charrnn's own by its version, a plugin's by its hash."""
    owner = entry.owner
    return [owner.plugin, owner.version if owner.ours else owner.sha256]


def load_tokenizer(name: str, directory: Path) -> FittedTokenizer:
    """Load a tokenizer from the files that it saved.

    Raises:
        UsageError: there is none of that name.
        PluginError: it failed, or is not as its contract has it.
    """
    entry = plugins().tokenizers[name]
    loaded = entry.load()
    with entry.blamed():
        tokenizer = loaded.load(directory)
        if not entry.owner.ours:
            _try(tokenizer)
        return FittedTokenizer(tokenizer, entry, directory)


def _try(tokenizer: Any) -> None:
    """Make sure that a plugin's tokenizer returns what its contract says; raises TypeError or ValueError."""
    if not isinstance(tokenizer, Tokenizer):
        raise TypeError(f"its load() should return a charrnn.Tokenizer, not {tokenizer!r}")
    if not isinstance(tokenizer.vocab_size, int):
        raise TypeError(f"its vocab_size should be a whole number, not {tokenizer.vocab_size!r}")
    text = tokenizer.decode(np.array([0]))
    if not isinstance(text, str):
        raise TypeError(f"its decode() should return text, not {text!r}")
    _ids(tokenizer.encode(text), tokenizer.vocab_size)


def _ids(found: Any, vocab_size: int) -> Ids:
    if not isinstance(found, np.ndarray) or found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise TypeError(f"its encode() should return a one-dimensional array of whole numbers, not {found!r:.60}")
    if found.size and not (found.min() >= 0 and found.max() < vocab_size):
        wrong = found.min() if found.min() < 0 else found.max()
        raise ValueError(f"its encode() returns the id {wrong}, and ids are 0 to {vocab_size - 1}")
    return found


def fit_tokenizer(corpus: Corpus, settings: TokenizerSettings, progress: Progress) -> FittedTokenizer:
    """Train the tokenizer that the settings ask for on all splits of the corpus, or take it from the cache.

    Raises:
        UsageError: no such tokenizer, or no such option of it.
        CorpusError: the corpus cannot be read, or holds nothing to learn from.
    """
    entry = plugins().tokenizers[settings.tokenizer]
    tokenizer = entry.load()
    options = check_options(entry, tokenizer.train, settings.tokenizer_options)

    def learn(texts: Iterator[str]) -> Tokenizer:
        trained: Tokenizer = tokenizer.train(texts, **options)
        if trained.vocab_size == 0:
            raise CorpusError(f"the corpus '{corpus.name}' is empty; give one that holds text")
        return trained

    return _learned(corpus, entry, [entry.name, *_code(entry), options], learn, progress)


def growing(fitted: FittedTokenizer) -> Growing:
    """Return a tokenizer that can learn more.

    Raises:
        UsageError: it cannot.
    """
    if not isinstance(fitted.tokenizer, Growing):
        raise UsageError(
            f"--extend-vocab: the tokenizer '{fitted.entry.name}' has no alphabet that could grow; leave the flag out"
        )
    return fitted.tokenizer


def extend_tokenizer(corpus: Corpus, fitted: FittedTokenizer, progress: Progress) -> FittedTokenizer:
    """Let a tokenizer learn from all splits of the corpus too, or take what comes of it from the cache.

    Raises:
        UsageError: it cannot learn more than it has.
        CorpusError: the corpus cannot be read.
        PluginError: what comes of it is smaller than what it was.
    """
    before = fitted.tokenizer

    def learn(texts: Iterator[str]) -> Tokenizer:
        after = growing(fitted).extended(texts)
        if not isinstance(after, type(before)) or after.vocab_size < before.vocab_size:
            raise ValueError("what its extended() returns is no larger tokenizer of its kind")
        return after

    return _learned(corpus, fitted.entry, [fitted.identity()], learn, progress)


def _learned(
    corpus: Corpus, entry: Entry, depends_on: list[Any], learn: Callable[[Iterator[str]], Tokenizer], progress: Progress
) -> FittedTokenizer:
    """Have a tokenizer learn from a corpus, unless the cache has what comes of it."""

    def build(directory: Path) -> None:
        texts = read_all(corpus, corpus.splits(), f"learning {entry.name} tokens", progress)
        with entry.blamed():
            learn(texts).save(directory)

    key = cache_key(corpus.name, [_FORMAT, corpus.identity(), *depends_on])
    return load_tokenizer(entry.name, cached("tokenizers", key, build, progress))
