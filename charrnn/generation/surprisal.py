"""How surprising each character of a text is to a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import refuse_unseen
from charrnn.evaluation import Score, token_losses
from charrnn.generation.prompt import chunks
from charrnn.generation.sampling import no_numbers
from charrnn.generation.session import Session
from charrnn.tokenizers.base import Ids


@dataclass(frozen=True)
class Surprise:
    """Some text that is whole: a character, or a piece of several where the tokenizer has such.

    Attributes:
        text: as the model read it.
        bits: its negative log-probability, given all before it; of all its tokens, where it has several.
    """

    text: str
    bits: float


class TextScorer:
    """Scores a text that comes in pieces, once, at constant memory.

    Args:
        session: whose model scores.
        texts: in order.
        refuse: whether characters that the model has never seen are an error, rather than replaced.

    Attributes:
        unseen: those that were replaced, once the text was read.
    """

    def __init__(self, session: Session, texts: Iterable[str], *, refuse: bool = False) -> None:
        self._session = session
        self._texts = texts
        self._refuse = refuse
        self._chars = self._bytes = 0
        self.unseen: Counter[str] = Counter()

    def score(self) -> Score:
        """Score the text as a whole.

        Raises:
            UsageError: it has unseen characters, and that was to be refused.
        """
        nats, tokens = 0.0, 0
        for _, losses in self._losses():
            nats, tokens = nats + float(losses.sum()), tokens + len(losses)
        return Score(nats, tokens, self._chars, self._bytes)

    def each(self) -> Iterator[Surprise]:
        """Score the text character by character; raises as :meth:`score` does."""
        decoder = self._session.tokenizer.decoder()
        nats = 0.0
        for ids, losses in self._losses():
            for token, loss in zip(ids, losses, strict=True):
                nats += float(loss)
                text = decoder.decode(np.array([token]))
                if text:
                    yield Surprise(text, nats / math.log(2))
                    nats = 0.0
        rest = decoder.flush()
        if rest:
            yield Surprise(rest, nats / math.log(2))

    def _losses(self) -> Iterator[tuple[Ids, NDArray[np.float64]]]:
        kept: list[Ids] = []

        def columns() -> Iterator[Ids]:
            encoded = self._session.tokenizer.encode_stream(self._counted())
            for ids in chunks(encoded, self._session.network.vocab_size):
                kept.append(ids)
                yield ids[:, np.newaxis]

        for losses in token_losses(self._session.network, columns(), self._session.context):
            if not np.isfinite(losses).all():
                raise no_numbers()
            yield kept.pop(), losses[:, 0]

    def _counted(self) -> Iterator[str]:
        for text in self._texts:
            missing = self._session.tokenizer.unseen(text)
            if self._refuse:
                refuse_unseen(missing)
            self.unseen.update(missing)
            self._chars += len(text)
            self._bytes += len(text.encode("utf-8", "surrogatepass"))
            yield text
