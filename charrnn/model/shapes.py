"""What a model's tensors look like, before there are any."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from charrnn.model.language_model import LanguageModel
from charrnn.settings import ModelSettings


def model_shapes(settings: ModelSettings, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that a model of these settings saves, without allocating any."""
    with torch.device("meta"), _NothingDrawn():
        model = LanguageModel(settings, vocab_size)
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


class _NothingDrawn(TorchFunctionMode):
    """Leaves tensors without memory undrawn: torch would import its compiler, for a second, to do nothing to them."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if function in (Tensor.normal_, Tensor.uniform_) or getattr(function, "__module__", "") == nn.init.__name__:
            tensor = args[0] if args else given["tensor"]
            if tensor.is_meta:
                return tensor
        return function(*args, **given)
