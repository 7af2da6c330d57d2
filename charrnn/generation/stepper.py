"""A whole model, one step at a time."""

from __future__ import annotations

import numpy as np
import torch

from charrnn.generation.sampling import Logits
from charrnn.model import LanguageModel
from charrnn.tokenizers.base import Ids

#: Tokens of a prompt that run through the model together: bounds memory.
_CHUNK = 4096


class Stepper:
    """Carries the state of one stream of text through a model.

    Args:
        model: used under inference mode, dropout off.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model.eval()
        self._device = next(model.parameters()).device
        self._state = model.initial_state(1)

    def feed(self, ids: Ids) -> Logits:
        """Read ids, at least one, in one pass; returns the logits ``[V]`` of what comes next."""
        with torch.inference_mode():
            for start in range(0, len(ids), _CHUNK):
                chunk = torch.from_numpy(ids[start : start + _CHUNK].astype(np.int64))
                logits, self._state = self._model(chunk.unsqueeze(1).to(self._device), self._state)
            result: Logits = logits[-1, 0].float().cpu().numpy()
        return result

    def step(self, token: int) -> Logits:
        """Read one id; returns the logits ``[V]`` of what comes next."""
        return self.feed(np.array([token]))
