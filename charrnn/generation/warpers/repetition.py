"""Warpers against texts that go round in circles."""

from __future__ import annotations

import numpy as np

from charrnn.declaration import Count
from charrnn.generation.network import Logits
from charrnn.generation.settings import Penalty
from charrnn.generation.warpers.base import Warper
from charrnn.tokenizers.base import Ids, Tokenizer


class RepetitionPenalty(Warper):
    """Makes tokens that came lately less likely (Keskar et al. 2019, section 4.1).

    A positive logit is divided by the penalty, another one multiplied with it. Over a whole text nearly every character
    has come before, so that only the last ``window`` tokens count.
    """

    def __init__(self, tokenizer: Tokenizer, penalty: Penalty = 1.2, window: Count = 64) -> None:
        super().__init__(tokenizer)
        self.penalty = penalty
        self.window = window

    def warp(self, logits: Logits, history: Ids) -> Logits:
        """Penalise what stands in the window, once."""
        lately = history[:, -self.window :]
        warped = logits.copy()
        found = np.take_along_axis(logits, lately, axis=1)
        np.put_along_axis(warped, lately, np.where(found > 0, found / self.penalty, found * self.penalty), axis=1)
        return warped


class NoRepeatNgram(Warper):
    """Forbids a token that would complete a run of ``size`` tokens that stands in the text already."""

    def __init__(self, tokenizer: Tokenizer, size: Count = 8) -> None:
        super().__init__(tokenizer)
        self.size = size

    def warp(self, logits: Logits, history: Ids) -> Logits:
        """Look where the last ``size - 1`` tokens stand in the text, and what followed there."""
        length = history.shape[1]
        if length < self.size:
            return logits
        warped = logits.copy()
        runs = np.lib.stride_tricks.sliding_window_view(history, self.size, axis=1)
        end = history[:, np.newaxis, length - self.size + 1 :]
        lanes, places = np.nonzero((runs[:, :, :-1] == end).all(axis=2))
        warped[lanes, runs[lanes, places, -1]] = -np.inf
        return warped
