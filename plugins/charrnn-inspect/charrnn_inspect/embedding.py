"""What a run has learned of its tokens: which are near to which in its embedding, and a map of them.

Shapes: ``V`` tokens, ``E`` features of the embedding, ``N`` tokens that are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.controls import printable
from charrnn.errors import RunError, UsageError, near_names
from charrnn.generation.sampling import no_numbers
from charrnn.generation.session import Session
from charrnn_inspect.spelling import show

Numbers = NDArray[np.floating[Any]]

#: What is not seen, by what is written for it.
_SIGNS = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t", " ": "␣"})


@dataclass(frozen=True)
class Embedding:
    """A run's tokens.

    Attributes:
        texts: the text of each, or its bytes written out where it is no whole text.
        names: the same with a sign for what is not seen.
        vectors: one a token, ``[V, E]``.
    """

    texts: Sequence[str]
    names: Sequence[str]
    vectors: Numbers

    def find(self, written: str) -> int:
        """Return the id of a token by its text, or by its name.

        Raises:
            UsageError: there is none; the message gives the near names.
        """
        for known in (self.texts, self.names):
            if written in known:
                return known.index(written)
        raise UsageError(f"--of '{written}' is no token of the run: {near_names(written, self.names)}")


def open_embedding(session: Session) -> Embedding:
    """Read the embedding of a session's run.

    Raises:
        RunError: the run is damaged, or an embedding is no number.
    """
    assert session.run is not None
    vectors = session.run.best_arrays().get("embedding.weight")
    if vectors is None or vectors.shape[0] != session.tokenizer.vocab_size:
        raise RunError(f"run '{session.run.name}' is damaged: its weights have no embedding of each token")
    if not np.isfinite(vectors).all():
        raise no_numbers()
    texts = [show(piece) for piece in session.tokenizer.pieces()]
    return Embedding(texts, [printable(text.translate(_SIGNS)) for text in texts], vectors)


def neighbours(vectors: Numbers, tokens: Sequence[int], most: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest of all other tokens by the cosine of the angle between their vectors.

    Args:
        vectors: ``[V, E]``; one of zeros has the cosine 0 with every other.
        tokens: ``N`` ids.
        most: neighbours of each.

    Returns:
        Ids and cosines, ``[N, most]`` or ``[N, V - 1]``, the nearest first.
    """
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    directions = wide / np.where(lengths > 0, lengths, 1.0)
    most = min(most, len(vectors) - 1)
    ids = np.empty((len(tokens), most), np.int64)
    cosines = np.empty((len(tokens), most))
    for row, token in enumerate(tokens):  # row by row: all at once would take V² numbers
        found = directions @ directions[token]
        found[token] = -np.inf
        ids[row] = np.argsort(-found, kind="stable")[:most]
        cosines[row] = found[ids[row]].clip(-1, 1)
    return ids, cosines


def principal_components(vectors: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Map tokens into a plane by principal component analysis: the singular value decomposition of what is centred.

    Each axis points such that the coordinate farthest from 0 is positive, and so the same vectors give the same map.

    Args:
        vectors: ``[V, E]``.

    Returns:
        Coordinates ``[V, 2]``, and the share of the variance that lies along each axis; where there is only one
        dimension, or none, the rest is 0.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    known = min(2, len(sizes))
    places, shares = np.zeros((len(vectors), 2)), np.zeros(2)
    places[:, :known] = left[:, :known] * sizes[:known]
    farthest = places[np.abs(places).argmax(axis=0), [0, 1]]
    total = np.square(sizes).sum()
    if total > 0:
        shares[:known] = np.square(sizes[:known]) / total
    return places * np.where(farthest < 0, -1.0, 1.0), shares
