"""A text that a search found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from charrnn.generation.text import Stop, bits_per_char


@dataclass(frozen=True)
class Hypothesis:
    """A text that a search found.

    Attributes:
        text: without the prompt.
        tokens: how many it has, those of a text of ``--until`` among them.
        chars: how many characters these make.
        stop: why it ended.
        score: what it was ranked by: the log-probability over the length penalty; of a stochastic search, the
            log-probability with Gumbel noise.
        log_probability: in nats, of the distribution that was searched: the model's, without what is forbidden; of a
            stochastic search, at its temperature.
    """

    text: str
    tokens: int
    chars: int
    stop: Stop
    score: float
    log_probability: float

    @property
    def bits_per_char(self) -> float | None:
        """How surprising it is to the model."""
        return bits_per_char(self.log_probability, self.chars)

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known by name."""
        return {**asdict(self), "bits_per_char": self.bits_per_char}
