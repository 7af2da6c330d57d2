"""How well a model predicts a text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.generation.network import CHUNK_TOKENS, Network
from charrnn.generation.sampling import no_numbers
from charrnn.launch import WHOLE, Share
from charrnn.tokenizers.base import Ids, Tokenizer

_LONGEST_CHUNK = 2048
_IGNORED = -1


@dataclass(frozen=True)
class Score:
    """The sum of a text's negative log-probabilities, and what it is divided by."""

    nats: float
    tokens: int
    chars: int
    bytes: int

    @property
    def log_probability(self) -> float:
        """Of the text, in nats."""
        return 0.0 - self.nats

    @property
    def nats_per_token(self) -> float:
        """Cross-entropy."""
        return self.nats / self.tokens if self.tokens else 0.0

    @property
    def bits_per_char(self) -> float:
        """Compares tokenizers on one text."""
        return self.nats / math.log(2) / self.chars if self.chars else 0.0

    @property
    def bits_per_byte(self) -> float:
        """Compares models across scripts (of UTF-8)."""
        return self.nats / math.log(2) / self.bytes if self.bytes else 0.0

    @property
    def perplexity(self) -> float:
        """Of a token."""
        return math.exp(min(self.nats_per_token, 700.0))

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name."""
        return {
            "log_probability": self.log_probability,
            "nats_per_token": self.nats_per_token,
            "bits_per_char": self.bits_per_char,
            "bits_per_byte": self.bits_per_byte,
            "perplexity": self.perplexity,
            **asdict(self),
        }


def score_tokens(
    network: Network,
    tokens: Ids,
    context: int,
    lanes: int = 1,
    share: Share = WHOLE,
    pause: Callable[[], None] = lambda: None,
) -> float:
    """Sum the negative log-probabilities of every token, in nats: ``N`` tokens give ``N`` scores.

    Args:
        network: reads.
        tokens: ids in order.
        context: the id that the first is predicted from.
        lanes: contiguous parts that are read side by side, each from a zero state and ``context``. One lane is exact;
            more are faster, and a little too pessimistic where each begins.
        share: which of the lanes are read; the sums of all shares are that of the whole.
        pause: called now and then; what it raises ends the scoring.
    """
    lanes = max(1, min(lanes, len(tokens)))
    length = -(-len(tokens) // lanes)
    steps = max(1, min(_LONGEST_CHUNK, CHUNK_TOKENS // lanes))
    starts = np.arange(lanes)[share.slice(lanes)] * length
    if not len(starts):
        return 0.0

    def chunks() -> Iterator[Ids]:
        for begin in range(0, length, steps):
            rows = [tokens[start + begin : min(start + begin + steps, start + length)] for start in starts]
            # The last lane may be shorter than the others: what is missing is not scored.
            targets = np.full((max(map(len, rows)), len(starts)), _IGNORED, dtype=np.int64)
            for lane, row in enumerate(rows):
                targets[: len(row), lane] = row
            yield targets
            pause()

    return sum(float(losses.sum()) for losses in token_losses(network, chunks(), context, len(starts)))


def token_losses(
    network: Network, chunks: Iterable[Ids], context: int, lanes: int = 1
) -> Iterator[NDArray[np.float64]]:
    """Yield the negative log-probability of each token, in nats, given those before it in its lane.

    Args:
        network: reads.
        chunks: ids ``[T, B]`` that follow each other; below 0 where there is none.
        context: the id that the first of each lane is predicted from.
        lanes: ``B``.
    """
    state = network.initial_state(lanes)
    last = np.full((1, lanes), context, dtype=np.int64)
    for targets in chunks:
        inputs = np.concatenate([last, np.maximum(targets[:-1], 0)])
        last = np.maximum(targets[-1:], 0)
        losses, state = network.losses(inputs, targets, state)
        yield losses


def score(
    network: Network, tokenizer: Tokenizer, tokens: Ids, context: int, size: tuple[int, int] | None = None
) -> Score:
    """Score a text given as ids, exactly.

    Args:
        network: scores.
        tokenizer: made the ids.
        tokens: ids in order.
        context: the id that the first is predicted from.
        size: characters and bytes of the text, where they are known; else they are counted in the decoded ids, which
            differs where the tokenizer had to replace characters.

    Raises:
        RunError: the weights are no numbers.
    """
    nats = score_tokens(network, tokens, context)
    if not math.isfinite(nats):
        raise no_numbers()
    return Score(nats, len(tokens), *(size or _size(tokenizer, tokens)))


def _size(tokenizer: Tokenizer, tokens: Ids) -> tuple[int, int]:
    chars = size = 0
    decoder = tokenizer.decoder()
    for begin in range(0, len(tokens), CHUNK_TOKENS):
        text = decoder.decode(tokens[begin : begin + CHUNK_TOKENS])
        chars, size = chars + len(text), size + len(text.encode("utf-8", "surrogatepass"))
    rest = decoder.flush()
    return chars + len(rest), size + len(rest.encode())
