"""How well a model predicts a text."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from charrnn.model import LanguageModel
from charrnn.tokenizers.base import Ids, Tokenizer

#: Tokens of all lanes together in one forward pass: bounds memory, and is enough to keep the processor busy.
_CHUNK_TOKENS = 4096
_LONGEST_CHUNK = 2048
_IGNORED = -100


@dataclass(frozen=True)
class Score:
    """The sum of a text's negative log-probabilities, and what it is divided by."""

    nats: float
    tokens: int
    chars: int
    bytes: int

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
            "nats_per_token": self.nats_per_token,
            "bits_per_char": self.bits_per_char,
            "bits_per_byte": self.bits_per_byte,
            "perplexity": self.perplexity,
            **asdict(self),
        }


def score_tokens(model: LanguageModel, tokens: Ids, context: int, lanes: int = 1) -> float:
    """Sum the negative log-probabilities of every token, in nats: ``N`` tokens give ``N`` scores.

    Args:
        model: left in evaluation mode for the time of the call.
        tokens: ids in order.
        context: the id that the first is predicted from.
        lanes: contiguous parts that are read side by side, each from a zero state and ``context``. One lane is exact;
            more are faster, and a little too pessimistic where each begins.
    """
    lanes = max(1, min(lanes, len(tokens)))
    device = next(model.parameters()).device
    length = -(-len(tokens) // lanes)
    steps = max(1, min(_LONGEST_CHUNK, _CHUNK_TOKENS // lanes))
    starts = np.arange(lanes) * length
    state = model.initial_state(lanes)
    last = np.full((1, lanes), context, dtype=np.int64)
    total = 0.0
    training = model.training
    model.eval()
    with torch.inference_mode():
        for begin in range(0, length, steps):
            rows = [tokens[start + begin : min(start + begin + steps, start + length)] for start in starts]
            # The last lane may be shorter than the others: what is missing is not scored.
            targets = np.full((max(map(len, rows)), lanes), _IGNORED, dtype=np.int64)
            for lane, row in enumerate(rows):
                targets[: len(row), lane] = row
            inputs = np.concatenate([last, np.maximum(targets[:-1], 0)])
            last = np.maximum(targets[-1:], 0)
            logits, state = model(torch.from_numpy(inputs).to(device), state)
            total += functional.cross_entropy(
                logits.flatten(0, 1).to(torch.promote_types(logits.dtype, torch.float32)),
                torch.from_numpy(targets).to(device).flatten(),
                ignore_index=_IGNORED,
                reduction="sum",
            ).item()
    model.train(training)
    return total


def score(
    model: LanguageModel, tokenizer: Tokenizer, tokens: Ids, context: int, size: tuple[int, int] | None = None
) -> Score:
    """Score a text given as ids, exactly.

    Args:
        model: scores.
        tokenizer: made the ids.
        tokens: ids in order.
        context: the id that the first is predicted from.
        size: characters and bytes of the text, where they are known; else they are counted in the decoded ids, which
            differs where the tokenizer had to replace characters.
    """
    nats = score_tokens(model, tokens, context)
    return Score(nats, len(tokens), *(size or _size(tokenizer, tokens)))


def _size(tokenizer: Tokenizer, tokens: Ids) -> tuple[int, int]:
    chars = size = 0
    decoder = tokenizer.decoder()
    for begin in range(0, len(tokens), _CHUNK_TOKENS):
        text = decoder.decode(tokens[begin : begin + _CHUNK_TOKENS])
        chars, size = chars + len(text), size + len(text.encode("utf-8", "surrogatepass"))
    rest = decoder.flush()
    return chars + len(rest), size + len(rest.encode())
