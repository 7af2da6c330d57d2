"""What a model has read so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from charrnn.errors import PluginError, refuse_unseen
from charrnn.generation.history import LOOK_BACK
from charrnn.generation.network import CHUNK_TOKENS, Logits, Network, NetworkState
from charrnn.tokenizers.base import Ids, Tokenizer

Unseen = Literal["replace", "skip", "error"]


@dataclass(frozen=True)
class Prompt:
    """A text that was read, and the model's state after it: it is read once, however often it is continued.

    Attributes:
        state: of one lane; never written into.
        logits: ``[1, V]``, of what comes next.
        ids: the last tokens of the text, as many as warpers look back on.
        tokens: in the text.
        chars: in the text, as it was given.
        nats: the negative log-probability of the text, if that was asked for.
        unseen: the characters that the model has never seen, and how often they came.
    """

    state: NetworkState
    logits: Logits
    ids: Ids
    tokens: int = 0
    chars: int = 0
    nats: float | None = None
    unseen: Counter[str] = field(default_factory=Counter)


class Reader:
    """Reads prompts.

    Args:
        network: reads.
        tokenizer: makes the ids.
        context: the id that stands before a text's first.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer, context: int) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._context = context

    def read(self, texts: Iterable[str], unseen: Unseen = "replace", *, scored: bool = False) -> Prompt:
        """Read a text that comes in pieces, in one pass and at constant memory.

        Raises:
            UsageError: it has characters that the model has never seen, and ``unseen`` is ``error``.
        """
        counts: Counter[str] = Counter()
        chars = 0

        def known() -> Iterator[str]:
            nonlocal chars
            for text in texts:
                missing = self._tokenizer.unseen(text)
                if unseen == "error":
                    refuse_unseen(missing)
                counts.update(missing)
                chars += len(text)
                yield leave_out(missing, text) if unseen == "skip" else text

        network, state = self._network, self._network.initial_state(1)
        last, kept = np.array([self._context]), np.empty(0, dtype=np.int64)
        tokens, nats = 0, 0.0
        for ids in chunks(self._tokenizer.encode_stream(known()), network.vocab_size):
            inputs = np.concatenate([last, ids[:-1]])[:, np.newaxis]
            if scored:
                losses, state = network.losses(inputs, ids[:, np.newaxis], state)
                nats += float(losses.sum())
            else:
                _, state = network.read(inputs, state)
            last = ids[-1:]
            kept = np.concatenate([kept, ids])[-LOOK_BACK:]
            tokens += len(ids)
        logits, state = network.step(last, state)
        return Prompt(state, logits.copy(), kept, tokens, chars, nats if scored else None, counts)

    def go_on(self, prompt: Prompt, ids: Ids) -> Prompt:
        """Return what has been read once a prompt goes on with these ids; the prompt stays as it is."""
        state, logits = self._network.copy(prompt.state), prompt.logits
        for chunk in chunks([ids], self._network.vocab_size):
            logits, state = self._network.read(chunk[:, np.newaxis], state)
        kept = np.concatenate([prompt.ids, ids.astype(np.int64)])[-LOOK_BACK:]
        return Prompt(state, logits.copy(), kept, prompt.tokens + len(ids), prompt.chars)


def leave_out(characters: Iterable[str], text: str) -> str:
    """Return a text without some characters."""
    return text.translate(dict.fromkeys(map(ord, characters)))


def chunks(pieces: Iterable[Ids], vocab_size: int) -> Iterator[Ids]:
    """Cut ids into pieces that are neither empty nor too long for one pass.

    Raises:
        PluginError: the tokenizer gave what are no ids.
    """
    for piece in pieces:
        if not (isinstance(piece, np.ndarray) and piece.ndim == 1 and np.issubdtype(piece.dtype, np.integer)):
            raise PluginError("the run's tokenizer gives no array of ids; see: charrnn plugins check")
        if len(piece) and not 0 <= piece.min() <= piece.max() < vocab_size:
            raise PluginError(
                f"the run's tokenizer gives ids from {piece.min()} to {piece.max()}, and the model knows 0 to "
                f"{vocab_size - 1}; see: charrnn plugins check"
            )
        for start in range(0, len(piece), CHUNK_TOKENS):
            yield piece[start : start + CHUNK_TOKENS].astype(np.int64)
