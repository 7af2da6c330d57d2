"""Making a token pack: one pass over the text, at constant memory, taken up again where it was killed.

The text is cut into shards, where its tokenizer allows. A later build reads the text again, and encodes from the first
shard on that is not there, or that was of another text.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from charrnn.corpora.base import Corpus, Progress, read_all
from charrnn.corpora.fitting import FittedTokenizer
from charrnn.corpora.packs.encoder import Encoded, Encoder
from charrnn.corpora.packs.journal import JOURNAL, Journal, PackedShard
from charrnn.corpora.packs.manifest import MANIFEST
from charrnn.corpora.pieces import blocks

#: Characters of a shard, about.
SHARD = 2 << 20


def build_pack(corpus: Corpus, fitted: FittedTokenizer, directory: Path, progress: Progress) -> None:
    """Write a corpus's pack into a directory, where an earlier build may have left a part of it.

    Raises:
        CorpusError: the text cannot be read.
        PluginError: the tokenizer failed.
    """
    manifest: dict[str, Any] = {"corpus": corpus.name}
    (directory / MANIFEST).write_text(json.dumps(manifest))  # whose it is, if it is never finished
    with Encoder(fitted) as encoder:
        splits, done = {}, 0
        for split in corpus.splits():
            packing = _Split(corpus, split, fitted, encoder, partial(_so_far, progress, done))
            splits[split] = packing.build(directory)
            done += splits[split]["bytes"]
    manifest |= {"dtype": fitted.dtype.name, "splits": splits, "provenance": corpus.provenance()}
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=2))
    for journal in directory.glob(f"*{JOURNAL}"):
        journal.unlink()


def _so_far(progress: Progress, before: int, doing: str, done: int, total: int | None) -> None:
    """Tell of a split as a part of the whole corpus."""
    progress(doing, before + done, total)


class _Split:
    """Packs one split, and sums up what is in it."""

    def __init__(
        self, corpus: Corpus, split: str, fitted: FittedTokenizer, encoder: Encoder, progress: Progress
    ) -> None:
        self._corpus = corpus
        self._split = split
        self._fitted = fitted
        self._encoder = encoder
        self._progress = progress
        self._sums = {"tokens": 0, "chars": 0, "bytes": 0}
        self._unseen: Counter[str] = Counter()
        self._sha256 = hashlib.sha256()

    def build(self, directory: Path) -> dict[str, Any]:
        """Write the ids; returns what the manifest says of the split."""
        texts = read_all(self._corpus, [self._split], "packing", self._progress)
        with Journal(directory / f"{self._split}.bin", self._fitted.dtype.itemsize) as journal:
            for shard in self._shards(journal, self._fitted.tokenizer.parts(blocks(texts, SHARD))):
                for key in self._sums:
                    self._sums[key] += getattr(shard, key)
                self._unseen.update(shard.unseen)
        return {**self._sums, "sha256": self._sha256.hexdigest(), "unseen": dict(self._unseen)}

    def _shards(self, journal: Journal, texts: Iterable[str]) -> Iterator[PackedShard]:
        """Find each shard in the journal, or encode it; several are encoded at once, and written in order."""
        waiting: deque[tuple[str, int, int, Callable[[], Encoded]]] = deque()
        for text in texts:
            raw = text.encode("utf-8", "surrogatepass")
            self._sha256.update(raw)
            so_far = self._sha256.hexdigest()
            before = journal.resume(so_far)
            if before is not None:
                yield before
                continue
            while len(waiting) >= self._encoder.at_once:
                yield self._written(journal, *waiting.popleft())
            waiting.append((so_far, len(text), len(raw), self._encoder.encode(text, raw)))
        while waiting:
            yield self._written(journal, *waiting.popleft())

    @staticmethod
    def _written(journal: Journal, so_far: str, chars: int, size: int, encoding: Callable[[], Encoded]) -> PackedShard:
        encoded = encoding()
        shard = PackedShard(so_far, zlib.crc32(encoded.ids), chars, size, encoded.tokens, encoded.unseen)
        journal.append(shard, encoded.ids)
        return shard
