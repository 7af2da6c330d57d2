"""Weights for a larger vocabulary.

A vocabulary that grows from ``V`` to ``W`` tokens keeps the ids below ``V`` and has the new ones behind them, so the
tensors with a row a token grow at their end::

    embedding.weight  [V, E] -> [W, E]
    output.weight     [V, H] -> [W, H]        (one with the embedding where they are tied)
    output.bias       [V]    -> [W]

Nothing else in a model knows how many tokens there are: its cells and norms are taken as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from charrnn.model.language_model import LanguageModel

_A_ROW_A_TOKEN = ("embedding.weight", "output.weight", "output.bias")


def take_weights(model: LanguageModel, weights: Mapping[str, Tensor]) -> None:
    """Let a model start from the weights of one that knows the first of its tokens.

    Rows of tokens that the other lacks stay as the model has them.

    Args:
        model: with ``W`` tokens.
        weights: of a model of the same shape with ``V <= W`` tokens.
    """
    own = model.state_dict()
    grown = {name: torch.cat([weights[name], own[name][len(weights[name]) :]]) for name in _A_ROW_A_TOKEN}
    model.load_state_dict({**weights, **grown})
