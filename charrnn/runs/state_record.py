"""``state.json``: the numbers of a training run at a save, as a stranger may have written them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from charrnn.declaration import NotNegative, Settings

Number = Annotated[float, Field(allow_inf_nan=False)]
#: A save is called after its step, in fifteen digits at most (:mod:`charrnn.runs.saves`).
_MOST = 10**15 - 1
#: Training that went on from a larger number could count beyond that, and what it saved would not be read again.
MOST_TO_GO_ON = 10**14
Counter = Annotated[int, Field(ge=0, le=_MOST)]


class BestRecord(Settings):
    """The best evaluation; as it is made nothing but whole, no part may be missing."""

    step: Counter
    nats_per_token: NotNegative
    bits_per_char: NotNegative
    tokens: int = Field(ge=1, le=_MOST)


class NoBest(Settings):
    """Nothing was evaluated yet."""


class WindowRecord(Settings):
    """Sums over the steps since the last logged line."""

    loss: Number
    norm: Number
    clipped: Number
    steps: Counter


class StreamPlace(Settings):
    """A place in a stream: where each rank's window begins, by four numbers, and how many of its chunks were read."""

    windows: list[Annotated[list[Counter], Field(min_length=4, max_length=4)]] = Field(min_length=1)
    chunk: Counter


class StateRecord(Settings):
    """What :class:`charrnn.training.state.Counters` writes."""

    step: Counter
    position: Counter | StreamPlace
    seconds: NotNegative
    evaluations: Counter
    finished: bool
    evaluated: int = Field(ge=-1, le=_MOST)
    stale: Counter
    best: BestRecord | NoBest
    start_loss: Number | None
    evaluation_seconds: NotNegative
    window: WindowRecord
    metrics_bytes: Counter
    rollbacks: Counter = 0  # which runs from before there were any do not have


def largest_count(state: Any) -> int:
    """Return the largest whole number in a state, or in a part of one."""
    if isinstance(state, dict | list):
        return max(map(largest_count, state.values() if isinstance(state, dict) else state), default=0)
    return state if isinstance(state, int) else 0
