"""A model that goes on learning from the text that it reads."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from charrnn.generation.network import Logits, NetworkState, map_leaves
from charrnn.generation.torch_network import TorchNetwork
from charrnn.model import LanguageModel
from charrnn.settings import DynamicSettings
from charrnn.tokenizers.base import Ids

_NONE = -1
_EPSILON = 1e-8


class DynamicNetwork(TorchNetwork):
    """A model under dynamic evaluation (Krause et al. 2018, "Dynamic Evaluation of Neural Sequence Models").

    Each segment of a text is scored first and learned from afterwards, so that no token is scored by weights that have
    seen it. With ``g`` the gradient of a segment's mean loss, and ``θ_0`` the weights as they were trained::

        θ <- θ - lr * g / (sqrt(M) + ε) + decay * (θ_0 - θ)

    This differs from the paper (section 4, equations 5 to 7) in two ways: there ``M``, the mean of ``g²``, is gathered
    from the training text, here it is the mean over the segments read so far, so that no corpus is needed; and there
    each weight is drawn back in proportion to its ``sqrt(M)``, here all are alike.

    Each token weighs the same: a segment that was cut short, as at the end of what is read at once, says less.

    One text is read at a time, and :meth:`initial_state` begins it with the weights as they were trained. Texts that
    are read side by side are learned from together.

    Args:
        model: is changed; what it holds fixed stays so.
        settings: how it learns.
    """

    learns = True

    def __init__(self, model: LanguageModel, settings: DynamicSettings) -> None:
        super().__init__(model)
        for module in model.modules():
            if isinstance(module, nn.RNNBase):
                module.train()  # cuDNN has no backward pass otherwise; the kernels have no dropout of their own
        self._settings = settings
        self._weights = [weight for weight in model.parameters() if weight.requires_grad]
        self._trained = [weight.detach().clone() for weight in self._weights]
        self._squares = [torch.zeros_like(weight) for weight in self._trained]
        self._updates = 0

    def initial_state(self, lanes: int) -> NetworkState:
        """Forget what was learned from other texts, and return every layer's state before the first token."""
        with torch.no_grad():
            for weight, trained, squares in zip(self._weights, self._trained, self._squares, strict=True):
                weight.copy_(trained)
                squares.zero_()
            self._updates = 0
            self._forget_table()
            return self._model.initial_state(lanes)

    def read(self, ids: Ids, state: NetworkState) -> tuple[Logits, NetworkState]:
        """Read ids in one pass, and learn what follows on what in them."""
        followed = np.concatenate([ids[1:], np.full((1, ids.shape[1]), _NONE, dtype=np.int64)])
        before = map_leaves(torch.clone, state)
        _, _ = self.losses(ids, followed, state)
        return super().read(ids, before)

    def losses(self, ids: Ids, targets: Ids, state: NetworkState) -> tuple[NDArray[np.float64], NetworkState]:
        """Score targets segment by segment, and learn from each."""
        state = map_leaves(torch.clone, state)  # what comes out of inference mode takes no part in a backward pass
        found = []
        for start in range(0, len(ids), self._settings.dynamic_segment):
            some = slice(start, start + self._settings.dynamic_segment)
            losses, state = self._segment(self._tensor(ids[some]), self._tensor(targets[some]), state)
            found.append(losses.cpu().double().numpy())
        return np.concatenate(found), state

    def _segment(self, ids: Tensor, targets: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        logits, state = self._model(ids, state)
        losses = functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="none", ignore_index=_NONE
        ).view_as(targets)
        if (targets != _NONE).any():
            total = losses.sum() / (self._settings.dynamic_segment * targets.shape[1])
            # A plugin's cell may have parameters that its step has no use for.
            self._learn(torch.autograd.grad(total, self._weights, allow_unused=True, materialize_grads=True))
        return losses.detach(), map_leaves(torch.Tensor.detach, state)

    @torch.no_grad()
    def _learn(self, gradient: tuple[Tensor, ...]) -> None:
        self._updates += 1
        for weight, trained, squares, slope in zip(self._weights, self._trained, self._squares, gradient, strict=True):
            squares.lerp_(slope.square(), 1 / self._updates)
            weight.lerp_(trained, self._settings.dynamic_decay)
            weight.addcdiv_(slope, squares.sqrt() + _EPSILON, value=-self._settings.dynamic_lr)
        self._forget_table()

    def _forget_table(self) -> None:
        self.__dict__.pop("_table", None)  # of the weights as they were
