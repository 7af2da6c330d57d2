"""One token a character (Unicode code point)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import RunError
from charrnn.tokenizers.base import Ids, Tokenizer

_FILE = "alphabet.json"
_CODE_POINTS = 0x110000


def _code_points(text: str) -> NDArray[np.uint32]:
    # A lone surrogate has no UTF-8, but it is a code point like any other here.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


class CharTokenizer(Tokenizer):
    """The alphabet of the corpus in code-point order, behind it what was learned later. Both ways are table look-ups.

    A character outside the alphabet becomes U+FFFD if the alphabet has it, else ``?``, else a space, else id 0.
    """

    def __init__(self, alphabet: str) -> None:
        self.alphabet = alphabet
        self.vocab_size = len(alphabet)
        self._points = _code_points(alphabet)
        self.replacement = next((alphabet.index(each) for each in "\ufffd? " if each in alphabet), 0)
        dtype = np.min_scalar_type(max(self.vocab_size - 1, 0))
        # As long as the highest code point asks for, and one more place for all that lie above it.
        places = int(self._points.max(initial=0)) + 2
        self._ids = np.full(places, self.replacement, dtype=dtype)
        self._ids[self._points] = np.arange(self.vocab_size, dtype=dtype)
        self._unknown = np.ones(places, dtype=bool)
        self._unknown[self._points] = False
        # The same for ASCII, which is most of most texts: bytes.translate is faster than any other table.
        ascii_points = np.minimum(np.arange(256), places - 1)
        self._ascii_unknown = self._unknown[ascii_points].tobytes()
        self._ascii_ids = self._ids[ascii_points].tobytes() if dtype == np.uint8 else None

    @classmethod
    def train(cls, texts: Iterable[str]) -> Self:
        """Collect the alphabet."""
        return cls(_text(_seen(texts)))

    def extended(self, texts: Iterable[str]) -> Self:
        """Put the characters that are new behind the alphabet, in code-point order."""
        return type(self)(self.alphabet + _text(np.setdiff1d(_seen(texts), self._points)))

    def encode(self, text: str) -> Ids:
        """Look up each character."""
        if self._ascii_ids and text.isascii():
            return np.frombuffer(text.encode().translate(self._ascii_ids), dtype=np.uint8)
        return self._ids.take(_code_points(text), mode="clip")

    def decode(self, ids: Ids) -> str:
        """Look up each id."""
        return _text(self._points[ids])

    def unseen(self, text: str) -> Counter[str]:
        """Count the characters outside the alphabet."""
        if text.isascii() and b"\1" not in text.encode().translate(self._ascii_unknown):
            return Counter()
        points = _code_points(text)
        missing = self._unknown.take(points, mode="clip")
        return Counter(_text(points[missing])) if missing.any() else Counter()

    def save(self, directory: Path) -> None:
        """Write the alphabet as JSON (its escapes hold lone surrogates too)."""
        (directory / _FILE).write_text(json.dumps(self.alphabet), encoding="ascii")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the alphabet."""
        path = directory / _FILE
        try:
            alphabet = json.loads(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise RunError(f"the alphabet {path} cannot be read: {error}") from error
        if not isinstance(alphabet, str) or not alphabet or len(set(alphabet)) != len(alphabet):
            raise RunError(f"the alphabet {path} is damaged: it should be a text of distinct characters")
        return cls(alphabet)


def _text(points: NDArray[Any]) -> str:
    return points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _seen(texts: Iterable[str]) -> NDArray[Any]:
    """Return the code points that occur, in order."""
    seen = np.zeros(_CODE_POINTS, dtype=bool)
    new = b"\1" * 256
    for text in texts:
        if text.isascii():
            raw = text.encode()
            if b"\1" in raw.translate(new):
                seen[np.frombuffer(raw, dtype=np.uint8)] = True
                new = (~seen[:256]).tobytes()
        else:
            seen[_code_points(text)] = True
    return np.flatnonzero(seen)
