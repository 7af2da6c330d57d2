"""Plain lines, for logs and pipes."""

from __future__ import annotations

import time
from types import TracebackType

from charrnn.reporting.echo import tell, tell_lines
from charrnn.reporting.pace import Pace
from charrnn.reporting.profile import profiled
from charrnn.reporting.text import clock, megabytes, remaining
from charrnn.training.events import Evaluated, Event, Finished, Logged, Notice, Preparing, Profiled, Started

#: Seconds between two lines on training, or on the reading of a corpus.
_INTERVAL = 10.0


class PlainReporter:
    """Writes a line every so often, and one an evaluation."""

    wants_samples = False

    def __init__(self) -> None:
        self._pace = Pace()
        self._next = {Logged: 0.0, Preparing: time.monotonic() + _INTERVAL}

    def __enter__(self) -> PlainReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def listen(self, event: Event) -> None:
        """Write the event, if it is due."""
        match event:
            case Notice():
                tell(event.text)
            case Preparing() if self._due(Preparing):
                of = f" of {megabytes(event.total)}" if event.total else ""
                left = self._pace.left(event)
                of += "" if left is None else f", {clock(left)} left"
                tell(f"{event.doing}: {megabytes(event.done)}{of}")
            case Started():
                tokens = "a stream of" if event.tokens is None else f"{event.tokens:,}"
                tell(
                    f"run {event.run}: {event.parameters:,} parameters on {event.device}, "
                    f"{tokens} tokens to learn from, from step {event.step}"
                )
            case Logged() if self._due(Logged):
                tell(
                    f"step {event.step}  {event.progress:4.0%}  train {event.loss:.4f} nats  epoch {event.epoch:.2f}  "
                    f"{event.chars_per_second:,.0f} chars/s  {clock(event.seconds)} elapsed  "
                    f"{clock(remaining(event.seconds, event.progress))} left"
                )
            case Evaluated():
                loss = f"{event.nats_per_token:.4f} nats  {event.bits_per_char:.4f} bpc"
                tell(f"step {event.step}  validation {loss}{'  best' if event.best else ''}")
            case Profiled():
                tell_lines(profiled(event))
            case Finished():
                tell(finished(event))
            case _:
                pass

    def _due(self, kind: type[Logged] | type[Preparing]) -> bool:
        now = time.monotonic()
        if now < self._next[kind]:
            return False
        self._next[kind] = now + _INTERVAL
        return True


def finished(event: Finished) -> str:
    """Say how a run ended."""
    return (
        f"finished after {event.step} steps and {clock(event.seconds)}: {event.reason}. "
        f"Best validation loss {event.best['nats_per_token']:.4f} nats a token "
        f"({event.best['bits_per_char']:.4f} bpc) at step {event.best['step']}; the run is in {event.path}"
    )
