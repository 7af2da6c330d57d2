"""One token a character (Unicode code point)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import RunError
from charrnn.strict_file import read_file
from charrnn.strict_json import LARGEST, parse_json
from charrnn.tokenizers.base import Ids, Tokenizer

_FILE = "alphabet.json"
_CODE_POINTS = 0x110000
#: Bytes of an alphabet that has all of them: each is written as ``\uXXXX``, or as two of these.
_LARGEST = 12 * _CODE_POINTS
#: Two surrogates that JSON would read as one character.
_BETWEEN_SURROGATES = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")


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
        """Write the alphabet as JSON: a text, or a list of texts where two surrogates are to be kept apart."""
        parts = _BETWEEN_SURROGATES.split(self.alphabet)
        (directory / _FILE).write_text(json.dumps(parts if len(parts) > 1 else self.alphabet), encoding="ascii")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the alphabet.

        Raises:
            RunError: it cannot be read, or is none.
        """
        path = directory / _FILE
        try:
            return cls(_alphabet(read_file(path, _LARGEST)))
        except OSError as error:
            raise RunError(f"the alphabet {path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise RunError(f"the alphabet {path} is damaged: {error}") from error


def _alphabet(data: bytes) -> str:
    """Read what :meth:`CharTokenizer.save` wrote, and a stranger may have written anew."""
    # What a text becomes in memory is bounded by its length; of lists, only by many times that.
    if len(data) > LARGEST and not data.startswith(b'"'):
        raise ValueError(f"it is no text, and larger than {LARGEST:,} bytes")
    found = parse_json(data)
    parts = found if isinstance(found, list) else [found]
    if not all(isinstance(each, str) for each in parts):
        raise ValueError("it should be a text")
    alphabet = "".join(parts)
    if not alphabet or len(np.unique(_code_points(alphabet))) != len(alphabet):
        raise ValueError("it should be a text of distinct characters")
    return alphabet


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
