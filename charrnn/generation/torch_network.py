"""A whole model in torch: for any cell, on any device."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charrnn.generation.network import TABLE_SIZE, Logits, Network, NetworkState, map_leaves
from charrnn.model import LanguageModel
from charrnn.tokenizers.base import Ids


class TorchNetwork(Network):
    """A model under inference mode.

    Args:
        model: put into evaluation mode, and left there.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model.eval()
        self._device = next(model.parameters()).device
        self.vocab_size = model.output.out_features

    def initial_state(self, lanes: int) -> NetworkState:
        """Return every layer's state before the first token."""
        with torch.inference_mode():
            return self._model.initial_state(lanes)

    def step(self, ids: Ids, state: NetworkState) -> tuple[Logits, NetworkState]:
        """Read one id a lane, by the cells' ``step``: a kernel for whole sequences is slower here."""
        with torch.inference_mode():
            logits, state = self._model.step(self._tensor(ids), state, self._table)
            return _to_numpy(logits), state

    def read(self, ids: Ids, state: NetworkState) -> tuple[Logits, NetworkState]:
        """Read ids in one pass."""
        with torch.inference_mode():
            features, state = self._model.features(self._tensor(ids), state)
            return _to_numpy(self._model.output(features[-1])), state

    def losses(self, ids: Ids, targets: Ids, state: NetworkState) -> tuple[NDArray[np.float64], NetworkState]:
        """Score targets in one pass."""
        with torch.inference_mode():
            logits, state = self._model(self._tensor(ids), state)
            wanted = self._tensor(targets)
            found = functional.cross_entropy(
                logits.flatten(0, 1).to(torch.promote_types(logits.dtype, torch.float32)),
                wanted.clamp(min=0).flatten(),
                reduction="none",
            ).view_as(wanted)
            losses: NDArray[np.float64] = found.masked_fill(wanted < 0, 0).cpu().double().numpy()
            return losses, state

    def take(self, state: NetworkState, lanes: Ids) -> NetworkState:
        """Reorder."""
        with torch.inference_mode():
            chosen = self._tensor(lanes)
            return map_leaves(lambda leaf: leaf.index_select(0, chosen), state)

    def join(self, states: list[NetworkState]) -> NetworkState:
        """Put side by side."""
        with torch.inference_mode():
            return map_leaves(lambda *leaves: torch.cat(leaves), *states)

    @cached_property
    def _table(self) -> Tensor | None:
        """Every token's projection by the first layer, ``[V, P]``, where that is small."""
        first = self._model.first_projection
        one = first(torch.zeros(1, dtype=torch.long, device=self._device))
        if one.numel() * self.vocab_size > TABLE_SIZE:
            return None
        return first(torch.arange(self.vocab_size, device=self._device))

    def _tensor(self, ids: Ids) -> Tensor:
        return torch.from_numpy(ids.astype(np.int64)).to(self._device)


def _to_numpy(logits: Tensor) -> Logits:
    result: Logits = logits.to(torch.promote_types(logits.dtype, torch.float32)).cpu().numpy()
    return result
