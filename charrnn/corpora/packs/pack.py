"""Token packs: a corpus as ids on disk, one flat memory-mapped file a split, in the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.corpora.base import VALIDATION_NAMES, Corpus, Progress, digest
from charrnn.corpora.cache import cache_directory, cached
from charrnn.corpora.fitting import FittedTokenizer
from charrnn.corpora.packs.changes import tell_of_changes
from charrnn.corpora.packs.manifest import read_manifest
from charrnn.corpora.packs.packing import build_pack
from charrnn.errors import CorpusError, near_names
from charrnn.tokenizers.base import Ids, Tokenizer

#: The folder of the cache that packs are in.
PACKS = "packs"
_FORMAT = 2


@dataclass(frozen=True)
class Part:
    """The tokens ``start`` to ``stop`` of a split."""

    split: str
    start: int
    stop: int


@dataclass(frozen=True)
class TokenPack:
    """A corpus as ids.

    Attributes:
        key: its name in the cache.
        directory: where its files are.
        splits: for each split, ``tokens``, ``chars``, ``bytes``, the ``sha256`` of its text in UTF-8, and how often
            each character is ``unseen`` by the tokenizer.
        dtype: of the ids on disk, the smallest that holds the vocabulary.
    """

    key: str
    directory: Path
    splits: dict[str, dict[str, Any]]
    dtype: str

    def tokens(self, split: str) -> Ids:
        """Map a split's ids into memory.

        Raises:
            CorpusError: there is no such split, or its file is gone or cut short.
        """
        if split not in self.splits:
            raise CorpusError(f"the corpus has no split '{split}': {near_names(split, self.splits)}")
        count = self.splits[split]["tokens"]
        if count == 0:
            return np.empty(0, dtype=self.dtype)
        try:
            return np.memmap(self.directory / f"{split}.bin", dtype=self.dtype, mode="r", shape=(count,))
        except (OSError, ValueError) as error:
            raise CorpusError(f"the token pack {self.directory} is damaged ({error}); remove that folder") from error

    def part(self, part: Part) -> Ids:
        """Map a part's ids into memory."""
        return self.tokens(part.split)[part.start : part.stop]

    def whole(self, split: str) -> Part:
        """Return all of a split."""
        return Part(split, 0, self.splits[split]["tokens"])

    def validation_split(self) -> str | None:
        """Name the corpus's own validation split, if it has one."""
        return next((name for name in VALIDATION_NAMES if name in self.splits), None)


def open_pack(corpus: Corpus, fitted: FittedTokenizer, progress: Progress) -> TokenPack:
    """Open a corpus's pack, and build it first where the cache has none; arguments as :func:`build_pack`'s.

    Raises:
        CorpusError: the text cannot be read, or the pack is damaged.
        PluginError: the tokenizer failed.
    """

    def build(directory: Path) -> None:
        build_pack(corpus, fitted, directory, progress)
        tell_of_changes(directory, directory.parent)

    return find_pack(digest([_FORMAT, corpus.identity(), fitted.identity()])[:32], build, progress)


def find_pack(key: str, build: Callable[[Path], None] | None = None, progress: Progress | None = None) -> TokenPack:
    """Open a pack by its key.

    Raises:
        CorpusError: the cache does not have it, and no ``build`` was given; or it is damaged.
    """
    directory = cache_directory() / PACKS / key
    if build is not None:
        cached(PACKS, key, build, progress, resumable=True)
    elif not directory.is_dir():
        raise CorpusError("the cache no longer has the tokens of this corpus")
    manifest = read_manifest(directory)
    return TokenPack(key, directory, {name: dict(each) for name, each in manifest.splits.items()}, manifest.dtype)


def cut(pack: TokenPack, tokenizer: Tokenizer, val_fraction: float) -> tuple[Part, Part]:
    """Divide a corpus into what is learned from and what is held back.

    The corpus's own validation split is used where it has one; otherwise the last ``val_fraction`` of the training
    split's tokens, moved on to the next start of a character.

    Returns:
        The training part and the validation part.

    Raises:
        CorpusError: one of them would be empty.
    """
    own = pack.validation_split()
    total = pack.splits["train"]["tokens"]
    if own is not None:
        train, validation = pack.whole("train"), pack.whole(own)
        if validation.stop == 0:
            raise CorpusError(f"the corpus's split '{own}' is empty; take another corpus or revision")
    else:
        ids = pack.tokens("train")
        start = min(int(total * (1 - val_fraction)), total - 1)
        while 0 < start < total - 1 and tokenizer.decoder().decode(ids[start : start + 1]).startswith("\ufffd"):
            start += 1
        train, validation = Part("train", 0, start), Part("train", start, total)
    if train.stop <= 0:
        raise CorpusError(
            f"the corpus holds {total} tokens, and --val-fraction {val_fraction:g} leaves none to learn from; "
            "it takes one to learn from and one to check with"
        )
    return train, validation
