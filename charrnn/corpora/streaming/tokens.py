"""An endless stream of tokens, window by window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from charrnn.corpora.base import Corpus, Shard
from charrnn.corpora.fitting import FittedTokenizer
from charrnn.corpora.pieces import blocks
from charrnn.corpora.streaming.held_back import HeldBack, units
from charrnn.corpora.streaming.position import Position
from charrnn.errors import CorpusError
from charrnn.launch import WHOLE, Share
from charrnn.tokenizers.base import Ids

#: Characters that are encoded at once.
_PART = 1 << 17
#: Characters of a block of documents, at most, however few documents that is.
_MOST_CHARS = 16 << 20


@dataclass(frozen=True)
class Window:
    """A run of a stream's tokens.

    Attributes:
        ids: the tokens.
        start: where the first of them is.
        stop: where the one after the last is.
        unseen: how often each character was unknown to the tokenizer, in what was encoded for it.
    """

    ids: Ids
    start: Position
    stop: Position
    unseen: dict[str, int]


class TokenStream:
    """The training split of a corpus, over and over, each time in another order.

    The order of the shards is drawn anew for each epoch, and documents are shuffled within blocks of ``buffer``. Both
    are drawn from the seed and the place alone, never from what was read before, so that any place can be found again
    by reading its shard from the start: no buffer has to be saved.

    Args:
        corpus: what to read.
        held_back: what to leave out.
        fitted: the tokenizer.
        seed: of the order.
        buffer: documents of a block; 1 leaves them in order.
        share: of the shards, dealt anew each epoch.
    """

    def __init__(
        self,
        corpus: Corpus,
        held_back: HeldBack,
        fitted: FittedTokenizer,
        seed: int,
        buffer: int,
        share: Share = WHOLE,
    ) -> None:
        self._corpus = corpus
        self._held_back = held_back
        self._fitted = fitted
        self._tokenizer = fitted.tokenizer
        self._seed = seed
        self._buffer = buffer
        self._share = share

    def windows(self, start: Position, size: int) -> Iterator[Window]:
        """Yield windows of ``size`` tokens, from a place on.

        Raises:
            CorpusError: the corpus cannot be read, or there is no text in it.
        """
        kept: list[Ids] = []
        count, begin, place = 0, start, start
        unseen: Counter[str] = Counter()
        for place, text in self._parts(start):
            with self._fitted.entry.blamed():
                unseen.update(self._tokenizer.unseen(text))
            ids = self._fitted.encode(text)[place.token :]
            while count + len(ids) >= size:
                missing = size - count
                place = replace(place, token=place.token + missing)
                yield Window(np.concatenate([*kept, ids[:missing]]), begin, place, dict(unseen))
                kept, count, begin, ids = [], 0, place, ids[missing:]
                unseen.clear()
            if len(ids):
                kept.append(ids)
                count += len(ids)

    def _parts(self, start: Position) -> Iterator[tuple[Position, str]]:
        """Yield what is encoded at once, and where it begins; the first at ``start``, which may be within it."""
        shards = self._corpus.shards("train")
        at = start
        while True:
            whole, found = not (at.shard or at.part), False
            order = self._chance(at.epoch).permutation(len(shards))
            for ordinal in range(at.shard, len(shards)):
                if ordinal % self._share.of != self._share.number:
                    continue
                texts = self._texts(shards[order[ordinal]], at.epoch, ordinal)
                for number, text in enumerate(self._tokenizer.parts(blocks(texts, _PART))):
                    found = True
                    if number >= at.part:
                        yield replace(at, shard=ordinal, part=number), text
                        at = Position(at.epoch, ordinal, number + 1)
                at = Position(at.epoch, ordinal + 1)
            if whole and not found:
                raise self._nothing()
            at = Position(at.epoch + 1)

    def _nothing(self) -> CorpusError:
        number, of = self._share
        if of > 1:
            return CorpusError(
                f"rank {number} of {of} finds no text in its shards of the corpus '{self._corpus.name}'; take fewer"
            )
        return CorpusError(f"the corpus '{self._corpus.name}' is empty, or all of it is held back; give another")

    def _texts(self, shard: Shard, epoch: int, ordinal: int) -> Iterator[str]:
        documents = self._shuffled(shard, self._chance(epoch, ordinal)) if shard.documents else None
        return self._held_back.left(units(shard, self._corpus.separator, documents))

    def _shuffled(self, shard: Shard, chance: np.random.Generator) -> Iterator[str]:
        block: list[str] = []
        chars = 0
        for document in shard.read():
            block.append(document)
            chars += len(document)
            if len(block) == self._buffer or chars > _MOST_CHARS:
                yield from (block[place] for place in chance.permutation(len(block)))
                block, chars = [], 0
        yield from (block[place] for place in chance.permutation(len(block)))

    def _chance(self, *place: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, *place])
