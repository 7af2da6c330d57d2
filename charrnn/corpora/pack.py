"""Token packs: a corpus as ids on disk, one flat memory-mapped file a split, in the cache."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.corpora.base import VALIDATION_NAMES, Corpus, Progress, digest, read_all
from charrnn.corpora.cache import cached
from charrnn.errors import CorpusError, near_names
from charrnn.tokenizers.base import Ids, Tokenizer

_FORMAT = 1
_MANIFEST = "manifest.json"


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

    def validation_split(self) -> str | None:
        """Name the corpus's own validation split, if it has one."""
        return next((name for name in VALIDATION_NAMES if name in self.splits), None)


def open_pack(corpus: Corpus, tokenizer: Tokenizer, identity: str, progress: Progress) -> TokenPack:
    """Open a corpus's pack, and build it first where the cache has none.

    Args:
        corpus: what to pack.
        tokenizer: what to pack it with.
        identity: what tells this tokenizer from others, from :mod:`charrnn.corpora.fitting`.
        progress: told of the text read.
    """

    def build(directory: Path) -> None:
        _build(corpus, tokenizer, directory, progress)

    return find_pack(digest([_FORMAT, corpus.identity(), identity])[:32], build)


def find_pack(key: str, build: Callable[[Path], None] | None = None) -> TokenPack:
    """Open a pack by its key.

    Raises:
        CorpusError: the cache does not have it, and no ``build`` was given.
    """
    directory = cached("packs", key, build or _not_there)
    try:
        manifest = json.loads((directory / _MANIFEST).read_text())
        return TokenPack(key, directory, manifest["splits"], manifest["dtype"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"the token pack {directory} is damaged ({error}); remove that folder") from error


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
        train, validation = Part("train", 0, total), Part(own, 0, pack.splits[own]["tokens"])
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


def _not_there(_: Path) -> None:
    raise CorpusError("the cache no longer has the tokens of this corpus")


def _build(corpus: Corpus, tokenizer: Tokenizer, directory: Path, progress: Progress) -> None:
    dtype = np.min_scalar_type(tokenizer.vocab_size - 1)
    splits = {}
    for split in corpus.splits():
        text = _Counter(read_all(corpus, [split], "packing", progress), tokenizer)
        tokens = 0
        with (directory / f"{split}.bin").open("wb") as file:
            for ids in tokenizer.encode_stream(text):
                tokens += len(ids)
                file.write(ids.astype(dtype).tobytes())
        splits[split] = {"tokens": tokens, **text.counts()}
    manifest = {
        "corpus": corpus.name,
        "dtype": dtype.name,
        "splits": splits,
        "provenance": corpus.provenance(),
    }
    (directory / _MANIFEST).write_text(json.dumps(manifest, indent=2))


class _Counter:
    """Passes a text on, counting and hashing it on its way."""

    def __init__(self, pieces: Iterator[str], tokenizer: Tokenizer) -> None:
        self._pieces = pieces
        self._tokenizer = tokenizer
        self._chars = 0
        self._bytes = 0
        self._unseen: Counter[str] = Counter()
        self._sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[str]:
        for piece in self._pieces:
            raw = piece.encode("utf-8", "surrogatepass")
            self._chars += len(piece)
            self._bytes += len(raw)
            self._sha256.update(raw)
            self._unseen.update(self._tokenizer.unseen(piece))
            yield piece

    def counts(self) -> dict[str, Any]:
        return {
            "chars": self._chars,
            "bytes": self._bytes,
            "sha256": self._sha256.hexdigest(),
            "unseen": dict(self._unseen),
        }
