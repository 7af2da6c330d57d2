"""The contract of a tokenizer."""

from __future__ import annotations

import codecs
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from charrnn.tokenizers.segments import aligned

Ids = NDArray[np.integer[Any]]


class Decoder(Protocol):
    """Turns ids into text as they come."""

    def decode(self, ids: Ids) -> str:
        """Return the text that is whole now; a character's later bytes may still be to come."""

    def flush(self) -> str:
        """Return what is left, a broken end as U+FFFD, and start anew."""


class Tokenizer(ABC):
    """Text to ids in ``range(vocab_size)`` and back.

    ``decode(encode(text)) == text`` for every text made of what the tokenizer was trained on.
    """

    vocab_size: int

    @classmethod
    @abstractmethod
    def train(cls, texts: Iterable[str]) -> Self:
        """Learn from texts, read once in order. Further keyword parameters with defaults are its options."""

    @abstractmethod
    def encode(self, text: str) -> Ids:
        """Turn text into ids; a character never seen becomes the tokenizer's replacement for it."""

    @abstractmethod
    def decode(self, ids: Ids) -> str:
        """Turn ids into text."""

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write what :meth:`load` needs into an existing directory."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> Self:
        """Read what :meth:`save` wrote."""

    def pieces(self) -> list[bytes]:
        """Return the bytes that each token stands for, in UTF-8; by default those of its text."""
        return [self.decode(np.array([token])).encode("utf-8", "surrogatepass") for token in range(self.vocab_size)]

    def decoder(self) -> Decoder:
        """Return an incremental decoder; by default one for tokens that are each whole text."""
        return _WholeTokens(self)

    def unseen(self, text: str) -> Counter[str]:  # noqa: ARG002 - the answer for those that can encode anything
        """Count the characters that :meth:`encode` would replace; by default none."""
        return Counter()

    def boundary(self, text: str) -> int:
        """Return how much of a text, from its start, has the same ids whatever follows: by default all of it.

        What comes after it is then encoded by itself, and the ids of the two parts are those of the whole.
        """
        return len(text)

    @final
    def parts(self, texts: Iterable[str]) -> Iterator[str]:
        """Cut a text that comes in pieces anew, into parts that can each be encoded by itself."""
        return aligned(texts, self.boundary)

    @final
    def encode_stream(self, texts: Iterable[str]) -> Iterator[Ids]:
        """Encode a text that comes in pieces; the ids are those of the whole, wherever it was cut."""
        for part in self.parts(texts):
            yield self.encode(part)

    def context(self, separator: str) -> int:
        """Choose the token that stands before a text's first: the separator's last, else newline, else id 0."""
        for candidate in (separator, "\n"):
            if candidate and not self.unseen(candidate):
                return int(self.encode(candidate)[-1])
        return 0


@runtime_checkable
class Growing(Protocol):
    """A tokenizer that can learn more: what ``--extend-vocab`` asks of one.

    Ids below the old ``vocab_size`` stand for what they stood for, and a text that was known has the ids that it had;
    what is new has the ids from there on.
    """

    def extended(self, texts: Iterable[str]) -> Tokenizer:
        """Return one that knows what texts are made of, too; they are read once, in order."""


class _WholeTokens:
    """Decoder for a tokenizer whose every token stands for whole characters."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def decode(self, ids: Ids) -> str:
        return self._tokenizer.decode(ids)

    def flush(self) -> str:
        return ""


class Utf8Decoder(Decoder):
    """Decoder for tokens that stand for bytes: half a UTF-8 sequence waits for its end."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def decode(self, ids: Ids) -> str:
        """Decode as far as characters are whole."""
        return self._utf8.decode(b"".join([self._pieces[token] for token in ids]))

    def flush(self) -> str:
        """Give up on a half character, if there is one."""
        rest = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return rest
