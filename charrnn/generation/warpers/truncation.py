"""Warpers that cut the tail of the distribution off."""

from __future__ import annotations

import numpy as np

from charrnn.declaration import Count, Probability
from charrnn.generation.network import Logits
from charrnn.generation.sampling import log_probabilities
from charrnn.generation.warpers.base import Warper
from charrnn.tokenizers.base import Ids, Tokenizer


class TopK(Warper):
    """Keeps the ``k`` likeliest tokens (Fan et al. 2018), and those that are as likely as the last of them."""

    def __init__(self, tokenizer: Tokenizer, k: Count = 40) -> None:
        super().__init__(tokenizer)
        self.k = k

    def warp(self, logits: Logits, history: Ids) -> Logits:  # noqa: ARG002 - the contract's names
        """Compare with the k-th highest."""
        size = logits.shape[1]
        if self.k >= size:
            return logits
        least = np.partition(logits, size - self.k, axis=1)[:, size - self.k, np.newaxis]
        return np.where(logits < least, -np.inf, logits)


class TopP(Warper):
    """Keeps the nucleus: the fewest likeliest tokens whose probabilities add up to ``p`` (Holtzman et al. 2020).

    Those that are as likely as the last of them stay as well.
    """

    def __init__(self, tokenizer: Tokenizer, p: Probability = 0.9) -> None:
        super().__init__(tokenizer)
        self.p = p

    def warp(self, logits: Logits, history: Ids) -> Logits:  # noqa: ARG002 - the contract's names
        """Add up from the likeliest on."""
        if self.p == 1:
            return logits
        possible = logits.max(axis=1) > -np.inf  # each lane by itself: another may have no token left
        probabilities = np.zeros(logits.shape)
        probabilities[possible] = np.exp(log_probabilities(logits[possible]))
        falling = -np.sort(-probabilities, axis=1)
        enough = np.count_nonzero(np.cumsum(falling, axis=1) < self.p, axis=1)
        last = np.minimum(enough, logits.shape[1] - 1)[:, np.newaxis]
        return np.where(probabilities < np.take_along_axis(falling, last, axis=1), -np.inf, logits)


class MinP(Warper):
    """Keeps tokens at least ``p`` times as likely as the likeliest (Nguyen et al. 2024)."""

    def __init__(self, tokenizer: Tokenizer, p: Probability = 0.05) -> None:
        super().__init__(tokenizer)
        self._below = float(np.log(p))

    def warp(self, logits: Logits, history: Ids) -> Logits:  # noqa: ARG002 - the contract's names
        """Compare with the likeliest."""
        return np.where(logits < logits.max(axis=1, keepdims=True) + self._below, -np.inf, logits)
