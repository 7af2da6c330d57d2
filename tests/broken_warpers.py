"""For each check of the conformance kit, a warper that is broken in just that way."""

from __future__ import annotations

import numpy as np

from charrnn import Warper


class Flatten(Warper):
    """Halves every logit, and keeps its contract."""

    def warp(self, logits, history):
        return logits / 2


class LeavesNothing(Flatten):
    """It forbids all tokens of a long text."""

    def warp(self, logits, history):
        return logits if history.shape[1] < 10 else np.full_like(logits, -np.inf)


class WritesIntoLogits(Flatten):
    """It works in place."""

    def warp(self, logits, history):
        logits /= 2
        return logits * 1


class MixesLanes(Flatten):
    """It centres by the mean over the lanes."""

    def warp(self, logits, history):
        return logits - logits.mean(axis=0, keepdims=True)


class Remembers(Flatten):
    """It counts its calls."""

    def __init__(self, tokenizer):
        super().__init__(tokenizer)
        self.calls = 0

    def warp(self, logits, history):
        self.calls += 1
        return logits * 0.99**self.calls if history.shape[1] else logits


BROKEN = {
    "keeps_the_shape": (LeavesNothing, set()),
    "leaves_its_arguments": (WritesIntoLogits, {"is_a_function", "lanes_are_independent"}),
    "lanes_are_independent": (MixesLanes, set()),
    "is_a_function": (Remembers, set()),
}
