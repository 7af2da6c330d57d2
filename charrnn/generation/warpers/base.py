"""The contract of a warper."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from charrnn.errors import PluginError
from charrnn.generation.network import Logits
from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.tokenizers.base import Ids, Tokenizer

#: Logits ``[B, V]`` and the ids of each text so far to the logits to draw from.
Warp = Callable[[Logits, Ids], Logits]


class Warper(ABC):
    """Reshapes the distribution of the next token.

    Args:
        tokenizer: whose ids are meant. Further keyword parameters with defaults are the warper's options.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    @abstractmethod
    def warp(self, logits: Logits, history: Ids) -> Logits:
        """Return the logits ``[B, V]`` to draw from; ``-inf`` for a token that must not come.

        A lane depends on itself only, the arguments are left as they are, and at least one token stays possible.

        Args:
            logits: ``[B, V]``, as the model gives them.
            history: ``[B, N]``, the ids of each text so far, its prompt included, or the last few thousand of them;
                ``N`` may be 0.
        """


def make_warp(name: str, options: Mapping[str, Any], tokenizer: Tokenizer) -> Warp:
    """Build a registered warper; what it does wrong is told as its plugin's fault.

    Raises:
        UsageError: no such warper, or no such option of it.
        PluginError: here or when it is called: it fails, or a plugin's leaves nothing that could be drawn.
    """
    entry = plugins().warpers[name]
    target = entry.load()
    checked = check_options(entry, target.__init__, options)
    with entry.blamed():
        warper: Warper = target(tokenizer, **checked)
    if entry.owner.ours:
        return warper.warp

    def warp(logits: Logits, history: Ids) -> Logits:
        with entry.blamed():
            warped = warper.warp(logits, history)
        if not isinstance(warped, np.ndarray) or warped.shape != logits.shape:
            found = list(warped.shape) if isinstance(warped, np.ndarray) else type(warped).__name__
            raise PluginError(f"{entry} returns {found}, not logits {list(logits.shape)}; see: charrnn plugins check")
        if not np.issubdtype(warped.dtype, np.floating):
            raise PluginError(f"{entry} returns {warped.dtype}, no floating-point logits; see: charrnn plugins check")
        if not np.isfinite(warped.max(axis=-1)).all() and np.isfinite(logits.max(axis=-1)).all():
            raise PluginError(f"{entry} leaves no token that could come next; give it other options, or leave it out")
        return warped

    return warp
