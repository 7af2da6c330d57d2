"""What is seen of tokens: the text of each, or its bytes where it is no whole text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.tokenizers.base import Ids, Tokenizer
from charrnn_inspect.features import code_points


@dataclass(frozen=True)
class Spelling:
    """Tokens as text.

    Attributes:
        shown: each token's part of the text, ``T`` of them; bytes that are no text by themselves as ``\\xce``.
        text: all of it; a byte that belongs to no character is a lone surrogate, as in Python's ``surrogateescape``.
        last: the place in ``text`` of the character that each token ends in, ``[T]``.
    """

    shown: Sequence[str]
    text: str
    last: NDArray[np.int64]


def spell(tokenizer: Tokenizer, ids: Ids) -> Spelling:
    """Spell out ids ``[T]``."""
    pieces = tokenizer.pieces()
    shown = [show(piece) for piece in pieces]
    text = b"".join([pieces[token] for token in ids]).decode("utf-8", "surrogateescape")
    token_ends = np.cumsum([len(pieces[token]) for token in ids])
    character_ends = np.cumsum(_sizes(text))
    last = np.searchsorted(character_ends, token_ends).clip(max=max(len(text) - 1, 0))
    return Spelling([shown[token] for token in ids], text, last)


def show(piece: bytes) -> str:
    """Return the text of a token's bytes, or the bytes written out where they are half a character or none."""
    try:
        return piece.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return "".join(f"\\x{byte:02x}" for byte in piece)


def _sizes(text: str) -> NDArray[np.int64]:
    """Count the bytes of each character; an escaped byte is one."""
    points = code_points(text)
    sizes = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    return np.where((points >= 0xDC80) & (points <= 0xDCFF), 1, sizes)
