"""A file of pretrained vectors, in the text format of word2vec and GloVe."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import UsageError
from charrnn.options import check
from charrnn.settings import ModelSettings

#: What word2vec writes for the end of a line, which cannot stand in a line.
_NEWLINE = "</s>"


class Vectors:
    """A file with a token and its numbers in each line, separated by single spaces.

    word2vec's first line has the count and the size of the vectors (Mikolov et al. 2013); GloVe's file begins with the
    first vector (Pennington et al. 2014). A token may itself be a space.

    Args:
        path: of the file, in UTF-8.

    Raises:
        UsageError: as every method, where the file cannot be read or is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = self._lines()
        first = next(lines, "")
        fields = first.split(" ")
        self._has_header = len(fields) == 2 and all(field.isdecimal() for field in fields)
        #: Numbers of a vector.
        self.size = int(fields[1]) if self._has_header else len(first.removeprefix(" ").split(" ")) - 1
        if self.size < 1 or "\0" in first:
            raise self._told(1, "a line is a token and its numbers, separated by spaces")
        check(ModelSettings, {"embed": self.size}, label=lambda name: f"--embeddings '{path}', line 1: {name}")
        # Before a model is made as wide as a header says.
        if self._has_header:
            self._read(2, next(lines, ""))
        else:
            self._read(1, first)

    def sha256(self) -> str:
        """Return the SHA-256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def find(self, wanted: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """Read the vectors of some tokens, ``[size]`` each; the first of one that comes twice."""
        found: dict[str, NDArray[np.float32]] = {}
        for number, line in enumerate(self._lines(), 1):
            if number == 1 and self._has_header:
                continue
            token = self._split(line)[0]
            if token in wanted and token not in found:
                found[token] = self._read(number, line)
        return found

    def _split(self, line: str) -> tuple[str, list[str]]:
        token, *values = line.rsplit(" ", self.size)
        return "\n" if token == _NEWLINE else token, values

    def _read(self, number: int, line: str) -> NDArray[np.float32]:
        token, values = self._split(line)
        try:
            with np.errstate(over="ignore"):  # an infinity is told of
                vector = np.array(values, dtype=np.float64).astype(np.float32)
        except ValueError:
            vector = np.array([])
        if len(vector) != self.size or not np.isfinite(vector).all():
            raise self._told(number, f"the token {token!r} should have {self.size} finite numbers")
        return vector

    def _lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
                for line in file:
                    yield line.rstrip("\r\n ")
        except OSError as error:
            raise UsageError(f"--embeddings '{self.path}' cannot be read: {error.strerror}") from None

    def _told(self, number: int, why: str) -> UsageError:
        return UsageError(
            f"--embeddings '{self.path}', line {number}: {why}; give a file in the text format of word2vec or GloVe"
        )
