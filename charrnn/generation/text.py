"""One text while it is made: from ids to what may be shown, until it ends."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.generation.sampling import BLOCKED
from charrnn.generation.settings import EndSettings
from charrnn.tokenizers.base import Ids, Tokenizer

#: Why a text ended: its length, a text of ``--until``, its lines, that no token was allowed, or that it was stopped.
Stop = Literal["length", "until", "lines", "blocked", "interrupted"]


@dataclass(frozen=True)
class Generated:
    """A text that was made.

    Attributes:
        number: its place among those that were asked for.
        text: without the prompt.
        tokens: how many were generated, those of a text of ``--until`` among them.
        chars: how many characters these make; more than the text has where ``--until`` cut it.
        stop: why it ended.
        seed: of the call.
        log_probability: of these tokens in nats, by the model as it is: without temperature or warpers.
        token_probabilities: each token's text and probability.
    """

    number: int
    text: str
    tokens: int
    chars: int
    stop: Stop
    seed: int
    log_probability: float | None = None
    token_probabilities: list[tuple[str, float]] | None = None

    @property
    def bits_per_char(self) -> float | None:
        """How surprising it is to the model."""
        return bits_per_char(self.log_probability, self.chars)

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known by name."""
        known = {key: value for key, value in asdict(self).items() if value is not None}
        if self.log_probability is not None:
            known["bits_per_char"] = self.bits_per_char
        return known


def bits_per_char(log_probability: float | None, chars: int) -> float | None:
    """Convert nats of a text; None where they are not known, or there is no text."""
    return (0.0 - log_probability) / math.log(2) / chars if log_probability is not None and chars else None


class Writer:
    """Turns the ids of one text into text, and finds its end.

    What may be the beginning of a text of ``--until`` is held back until that is decided.

    Args:
        tokenizer: of the ids.
        ending: when the text ends.
    """

    def __init__(self, tokenizer: Tokenizer, ending: EndSettings) -> None:
        self._decoder = tokenizer.decoder()
        self._tokenizer = tokenizer
        self._until = ending.until
        self._keep = ending.keep_until
        self._length = None if ending.forever else ending.length
        self._lines = ending.lines
        self._held = ""
        self.tokens = 0
        self.chars = 0
        self.nats = 0.0
        self.probabilities: list[tuple[str, float]] = []
        self.stop: Stop | None = "length" if self._length == 0 else None

    @property
    def left(self) -> int | None:
        """Tokens until the length is reached; None where there is none."""
        return None if self._length is None else self._length - self.tokens

    def write(self, ids: Ids, log_probabilities: NDArray[np.float64] | None = None, *, each: bool = False) -> str:
        """Add ids until the text ends; returns what may be shown now.

        Args:
            ids: the next ones, in order.
            log_probabilities: of each, in nats.
            each: keep every token's probability.
        """
        stride = 1 if self._until or self._lines else max(len(ids), 1)
        shown = ""
        for start in range(0, len(ids), stride):
            if self.stop is not None:
                break
            some = self._usable(ids[start : start + stride])
            self.tokens += len(some)
            if log_probabilities is not None:
                logs = log_probabilities[start : start + len(some)]
                self.nats -= float(logs.sum())
                if each:
                    self._keep_probabilities(some, logs)
            shown += self._show(self._decoder.decode(some)) if len(some) else ""
            if self.stop is None and self.left == 0:
                self.stop = "length"
            elif self.stop is None and len(some) < len(ids[start : start + stride]):
                self.stop = "blocked"
        return shown if self.stop in (None, "until", "lines") else shown + self.end(self.stop)

    def end(self, stop: Stop) -> str:
        """End the text; returns what was held back."""
        self.stop = stop
        rest = self._decoder.flush()
        self.chars += len(rest)
        held, self._held = self._held + rest, ""
        return held

    def _usable(self, ids: Ids) -> Ids:
        ids = ids if self.left is None else ids[: self.left]
        blocked = np.flatnonzero(ids == BLOCKED)
        return ids[: blocked[0]] if len(blocked) else ids

    def _keep_probabilities(self, ids: Ids, logs: NDArray[np.float64]) -> None:
        for token, log in zip(ids, logs, strict=True):
            self.probabilities.append((self._tokenizer.decode(np.array([token])), math.exp(log)))

    def _show(self, text: str) -> str:
        self.chars += len(text)
        if not self._until and not self._lines:
            return text
        pending = self._held + text
        ends = [(at, stop) for stop in self._until if (at := pending.find(stop)) >= 0]
        last_line = self._end_of_lines(text, len(self._held))
        if ends and (last_line is None or min(ends)[0] < last_line):
            at, stop = min(ends, key=lambda end: (end[0], -len(end[1])))
            self.stop, self._held = "until", ""
            return pending[: at + len(stop)] if self._keep else pending[:at]
        if last_line is not None:
            self.stop, self._held = "lines", ""
            return pending[:last_line]
        safe = len(pending) - max((_overlap(pending, stop) for stop in self._until), default=0)
        self._held = pending[safe:]
        return pending[:safe]

    def _end_of_lines(self, text: str, offset: int) -> int | None:
        """Return where the last of the lines ends, if it does."""
        if self._lines is None:
            return None
        found = text.count("\n")
        if found < self._lines:
            self._lines -= found
            return None
        at = -1
        for _ in range(self._lines):
            at = text.index("\n", at + 1)
        return offset + at + 1


def _overlap(text: str, stop: str) -> int:
    """Return how much of a text's end may be the beginning of ``stop``."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
