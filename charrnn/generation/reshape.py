"""From the model's logits to what is drawn from: all that a person asked for, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from charrnn.generation.network import Logits
from charrnn.generation.sampling import tempered
from charrnn.generation.settings import DrawSettings
from charrnn.generation.warpers.base import Warp, make_warp
from charrnn.tokenizers.base import Ids, Tokenizer


class Reshape:
    """The warpers before the temperature and after it.

    The order: ``allow``, ``ban``, ``no-repeat-ngram``, ``repetition-penalty``, the warper that was named, the
    temperature, ``top-k``, ``top-p``, ``min-p``. So what is forbidden is forbidden at any temperature, and the tail is
    cut off the distribution that is drawn from.

    Args:
        asked: which, with their options.
        tokenizer: whose ids are meant.

    Raises:
        UsageError: no such warper, or no such option of it.
    """

    def __init__(self, asked: DrawSettings, tokenizer: Tokenizer) -> None:
        window = asked.repetition_window
        before: list[tuple[str, Mapping[str, Any]]] = [
            *([("allow", {"characters": asked.allow})] if asked.allow else []),
            *(("ban", {"text": text}) for text in asked.ban),
            *([("no-repeat-ngram", {"size": asked.no_repeat_ngram})] if asked.no_repeat_ngram else []),
            *([("repetition-penalty", _penalty(asked.repetition_penalty, window))] if asked.repetition_penalty else []),
            *([(asked.warper, asked.warper_options)] if asked.warper else []),
        ]
        after: list[tuple[str, Mapping[str, Any]]] = [
            *([("top-k", {"k": asked.top_k})] if asked.top_k else []),
            *([("top-p", {"p": asked.top_p})] if asked.top_p else []),
            *([("min-p", {"p": asked.min_p})] if asked.min_p else []),
        ]
        self._before: list[Warp] = [make_warp(name, options, tokenizer) for name, options in before]
        self._after: list[Warp] = [make_warp(name, options, tokenizer) for name, options in after]
        self._temperatures: tuple[float, ...] = asked.temp

    @property
    def needs_history(self) -> bool:
        """Whether the texts so far are looked at."""
        return bool(self._before)

    def temperature(self, made: int) -> float:
        """Return the temperature of the token after ``made`` others: a list of them is cycled."""
        return self._temperatures[made % len(self._temperatures)]

    def constrain(self, logits: Logits, history: Ids) -> Logits:
        """Apply what comes before the temperature."""
        for warp in self._before:
            logits = warp(logits, history)
        return logits

    def __call__(self, logits: Logits, history: Ids, made: int) -> tuple[Logits, float]:
        """Return logits and the temperature that is still to be applied.

        Args:
            logits: ``[B, V]``, as the model gives them.
            history: ``[B, N]``, the texts so far.
            made: tokens generated.
        """
        logits, temperature = self.constrain(logits, history), self.temperature(made)
        if not self._after or temperature == 0:
            return logits, temperature
        logits = tempered(logits, temperature)
        for warp in self._after:
            logits = warp(logits, history)
        return logits, 1.0


def _penalty(penalty: float, window: int | None) -> dict[str, float]:
    return {"penalty": penalty} if window is None else {"penalty": penalty, "window": window}
