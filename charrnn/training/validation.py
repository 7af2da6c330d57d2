"""The text that is held back, and how well a model predicts it while it is trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from charrnn.evaluation import score_tokens
from charrnn.generation.torch_network import TorchNetwork
from charrnn.model import LanguageModel
from charrnn.tokenizers.base import Ids
from charrnn.training.ranks import Ranks

#: Lanes that it is read in: many enough to be quick, each long enough to warm up.
LANES = 32
_LEAST_LANE = 1024


@dataclass(frozen=True)
class Validation:
    """What is held back.

    Attributes:
        tokens: ids in order.
        context: the id that each lane's first is predicted from.
        chars_per_token: characters of text that a token stands for on average.
        ranks: whole lanes of it are each one's.
    """

    tokens: Ids
    context: int
    chars_per_token: float
    ranks: Ranks

    def loss(self, model: LanguageModel, pause: Callable[[], None]) -> float:
        """Return the mean loss in nats a token; the model is left in training mode.

        Args:
            model: predicts it.
            pause: called now and then; what it raises ends the scoring.
        """
        lanes = min(LANES, max(1, len(self.tokens) // _LEAST_LANE))
        try:
            nats = score_tokens(TorchNetwork(model), self.tokens, self.context, lanes, self.ranks.share, pause)
        finally:
            model.train()
        return sum(self.ranks.each(nats)) / len(self.tokens)

    def bits_per_char(self, nats: float) -> float:
        """Turn nats a token into bits a character."""
        return nats / math.log(2) / self.chars_per_token
