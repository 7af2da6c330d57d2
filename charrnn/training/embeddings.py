"""Pretrained vectors that an embedding starts from, in the text format of word2vec and GloVe."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from charrnn.errors import UsageError
from charrnn.model import LanguageModel
from charrnn.tokenizers.base import Tokenizer

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
        first = next(self._lines(), "")
        fields = first.split(" ")
        self._has_header = len(fields) == 2 and all(field.isdecimal() for field in fields)
        #: Numbers of a vector.
        self.size = int(fields[1]) if self._has_header else len(first.removeprefix(" ").split(" ")) - 1
        if self.size < 1:
            raise self._told(1, "a line is a token and its numbers, separated by spaces")

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
            token, *values = line.rsplit(" ", self.size)
            token = "\n" if token == _NEWLINE else token
            if token not in wanted or token in found:
                continue
            try:
                vector = np.array(values, dtype=np.float32)
            except ValueError:
                vector = np.array([])
            if len(vector) != self.size or not np.isfinite(vector).all():
                raise self._told(number, f"the token {token!r} should have {self.size} finite numbers")
            found[token] = vector
        return found

    def _lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8", errors="replace", newline="\n") as file:
                for line in file:
                    yield line.rstrip("\r\n ")
        except OSError as error:
            raise UsageError(f"--embeddings '{self.path}' cannot be read: {error.strerror}") from None

    def _told(self, number: int, why: str) -> UsageError:
        return UsageError(
            f"--embeddings '{self.path}', line {number}: {why}; give a file in the text format of word2vec or GloVe"
        )


def start_from(model: LanguageModel, tokenizer: Tokenizer, vectors: Vectors) -> int:
    """Let the embedding of each token that has a vector be that.

    Returns:
        How many have one.

    Raises:
        UsageError: none has.
    """
    texts = [piece.decode("utf-8", "replace") for piece in tokenizer.pieces()]
    found = vectors.find(set(texts))
    with torch.no_grad():
        for token, text in enumerate(texts):
            if text in found:
                model.embedding.weight[token] = torch.from_numpy(found[text])
    count = sum(text in found for text in texts)
    if not count:
        raise UsageError(f"--embeddings '{vectors.path}' has a vector for none of the {len(texts)} tokens")
    return count
