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
    """The alphabet of the corpus in code-point order. Encoding and decoding are table look-ups.

    A character outside the alphabet becomes U+FFFD if the alphabet has it, else ``?``, else a space, else id 0.
    """

    def __init__(self, alphabet: str) -> None:
        self.alphabet = alphabet
        self.vocab_size = len(alphabet)
        self._points = _code_points(alphabet)
        self.replacement = next((alphabet.index(each) for each in "\ufffd? " if each in alphabet), 0)
        # As long as the highest code point asks for, and one more place for all that lie above it.
        self._table = np.full(int(self._points.max(initial=0)) + 2, -1, dtype=np.int32)
        self._table[self._points] = np.arange(self.vocab_size, dtype=np.int32)

    @classmethod
    def train(cls, texts: Iterable[str]) -> Self:
        """Collect the alphabet."""
        seen = np.zeros(_CODE_POINTS, dtype=bool)
        for text in texts:
            seen[_code_points(text)] = True
        return cls(_text(np.flatnonzero(seen)))

    def _look_up(self, text: str) -> NDArray[np.int32]:
        return self._table[np.minimum(_code_points(text), len(self._table) - 1)]

    def encode(self, text: str) -> Ids:
        """Look up each character."""
        ids = self._look_up(text)
        ids[ids < 0] = self.replacement
        return ids

    def decode(self, ids: Ids) -> str:
        """Look up each id."""
        return _text(self._points[ids])

    def unseen(self, text: str) -> Counter[str]:
        """Count the characters outside the alphabet."""
        missing = _code_points(text)[self._look_up(text) < 0]
        return Counter(_text(missing))

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
