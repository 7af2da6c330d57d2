"""The beginnings that a search is at.

Shapes: ``K`` beams, ``N`` tokens so far, ``V`` vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.tokenizers.base import Ids

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Beams:
    """Beginnings that may go on.

    Attributes:
        ids: ``[K, N]``.
        sums: their log-probabilities, ``[K]``.
        ranks: what they are chosen by, ``[K]``: the same, but for a stochastic search.
        groups: which group each belongs to, ``[K]``.
    """

    ids: Ids
    sums: Scores
    ranks: Scores
    groups: Ids

    def __len__(self) -> int:
        return len(self.sums)

    @classmethod
    def root(cls) -> Beams:
        """Return the one beginning that has no tokens."""
        return cls(np.empty((1, 0), dtype=np.int64), np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int64))

    def take(self, places: Ids) -> Beams:
        """Return some of them, in this order."""
        return Beams(self.ids[places], self.sums[places], self.ranks[places], self.groups[places])

    def extended(self, parents: Ids, tokens: Ids, logs: Scores, ranks: Scores | None = None) -> Beams:
        """Return children.

        Args:
            parents: places among the beams, one a child.
            tokens: the token that each goes on with.
            logs: log-probabilities of every beam's next token, ``[K, V]``.
            ranks: of the children; by default their log-probabilities.
        """
        before = self.take(parents)
        sums = before.sums + logs[parents, tokens]
        ids = np.concatenate([before.ids, tokens[:, np.newaxis]], axis=1)
        return Beams(ids, sums, sums if ranks is None else ranks, before.groups)


def best_children(ranks: Scores, count: int) -> tuple[Ids, Ids]:
    """Return the places, beam and token, of the highest of ``[K, V]``, the highest first; of equals, the first.

    What is ``-inf`` is never among them.
    """
    flat = ranks.reshape(-1)
    count = min(count, int(np.count_nonzero(flat > -np.inf)))
    if count == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    least = np.partition(flat, len(flat) - count)[len(flat) - count]
    near = np.flatnonzero(flat >= least)
    best = near[np.argsort(-flat[near], kind="stable")][:count]
    beams, tokens = np.divmod(best, ranks.shape[1])
    return beams, tokens
