"""What training tells, as it happens; :mod:`charrnn.reporting` renders it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Preparing:
    """The corpus is being read: what is done, and how many of about ``total`` bytes of text were read."""

    doing: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Notice:
    """Something that was decided for the person, or that they should know; one line."""

    text: str


@dataclass(frozen=True)
class Started:
    """Training begins (or goes on, at ``step``, with the ``best`` evaluation of before).

    ``tokens`` is None where they are streamed.
    """

    run: str
    path: Path
    device: str
    parameters: int
    tokens: int | None
    step: int
    chars_per_token: float
    total_steps: int | None
    total_seconds: float | None
    best: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Logged:
    """Means over the steps since the last such event.

    Attributes:
        step: optimizer steps done.
        progress: share of the budget that is spent, 0 to 1.
        loss: nats a token on the training text.
        grad_norm: the gradient's norm before it was cut down.
        clipped: share of the steps in which it was, by its norm or in single numbers.
        lr: learning rate.
        epoch: passes over the corpus.
        seconds: since the first step.
        chars_per_second: characters learned from in a second.
        waited: seconds, since training began or went on, in which it waited for text to be read.
    """

    step: int
    progress: float
    loss: float
    grad_norm: float
    clipped: float
    lr: float
    epoch: float
    seconds: float
    chars_per_second: float
    waited: float = 0.0


@dataclass(frozen=True)
class Evaluated:
    """The validation part was scored; ``best`` says whether better than ever before."""

    step: int
    nats_per_token: float
    bits_per_char: float
    best: bool
    seconds: float


@dataclass(frozen=True)
class Sampled:
    """A fresh sample of the model as it is."""

    step: int
    text: str


@dataclass(frozen=True)
class Saved:
    """The state at ``step`` is safe on disk."""

    step: int


@dataclass(frozen=True)
class Operation:
    """What all calls of one operation took together; ``device_seconds`` is the time of its kernels on a GPU."""

    name: str
    calls: int
    seconds: float
    device_seconds: float


@dataclass(frozen=True)
class Profiled:
    """Some steps were traced.

    Attributes:
        steps: how many; fewer than ``asked`` where the run ended before.
        path: of the trace.
        seconds: on the processor.
        device_seconds: of all kernels on a GPU; None where there is none.
        phases: the parts of the work, with all that they call.
        operations: those that took longest, without what they call in turn.
    """

    steps: int
    asked: int
    path: Path
    seconds: float
    device_seconds: float | None
    phases: tuple[Operation, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Finished:
    """Training is done."""

    run: str
    path: Path
    step: int
    seconds: float
    best: dict[str, Any]
    reason: str


Event = Preparing | Notice | Started | Logged | Evaluated | Sampled | Saved | Profiled | Finished
