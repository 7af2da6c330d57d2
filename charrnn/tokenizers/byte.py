"""One token a UTF-8 byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np

from charrnn.tokenizers.base import Decoder, Ids, Tokenizer, Utf8Decoder
from charrnn.tokenizers.surrogates import surrogates

_BYTES = [bytes([value]) for value in range(256)]


class ByteTokenizer(Tokenizer):
    """The 256 byte values: nothing to learn, and no text of Unicode that it cannot encode."""

    vocab_size = 256

    @classmethod
    def train(cls, texts: Iterable[str]) -> Self:  # noqa: ARG003 - there is nothing to learn
        """Return the tokenizer; the texts are not read."""
        return cls()

    def encode(self, text: str) -> Ids:
        """Encode as UTF-8; a lone surrogate, which has none, becomes ``?``."""
        return np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8)

    def unseen(self, text: str) -> Counter[str]:
        """Count lone surrogates: all else can be encoded."""
        return surrogates(text)

    def decode(self, ids: Ids) -> str:
        """Decode UTF-8, with U+FFFD for what is none."""
        return ids.astype(np.uint8).tobytes().decode("utf-8", "replace")

    def decoder(self) -> Decoder:
        """Return a decoder that holds half a character back until it is whole."""
        return Utf8Decoder(_BYTES)

    def pieces(self) -> list[bytes]:
        """Return the bytes themselves."""
        return _BYTES

    def save(self, directory: Path) -> None:
        """Write nothing: the name says all."""

    @classmethod
    def load(cls, directory: Path) -> Self:  # noqa: ARG003 - there is nothing to read
        """Return the tokenizer."""
        return cls()
