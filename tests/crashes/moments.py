"""The moments of training at which it can be killed: each call of certain functions, before, after and half-way.

They are wrapped in the process that is to die, and nowhere else: what is tested is the program as it is.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

#: What observers are told of, but for the parts of a step.
_PHASES = {"evaluation": "evaluation: begins", "sample": "evaluation: sample", "save": "save: begins"}


@dataclass
class Moments:
    """Counts moments by their kind, and kills this process at one of them.

    Args:
        kind: of the moment to die at; empty: none.
        nth: of that kind, counted from 1.
        stepped: told of each step's number.

    Attributes:
        counts: moments so far.
        weights: a hash of the weights after each step.
    """

    kind: str = ""
    nth: int = 0
    stepped: Callable[[int], None] = lambda step: None
    counts: Counter[str] = field(default_factory=Counter)
    weights: dict[int, str] = field(default_factory=dict)

    def reach(self, kind: str, last_act: Callable[[], None] = lambda: None) -> None:
        """Count a moment; if this is the one, do one more thing and die."""
        self.counts[kind] += 1
        if (kind, self.counts[kind]) == (self.kind, self.nth):
            last_act()
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Wrap what training does."""
        import safetensors.torch

        from charrnn.runs.metrics import Metrics
        from charrnn.training.batches import LaneBatches
        from charrnn.training.observers import Observers
        from charrnn.training.validation import Validation

        self._around(os, "fsync", "disk: flush")
        self._around(os, "rename", "disk: rename")
        self._around(os, "replace", "disk: replace")
        self._around(os, "unlink", "disk: removal of a file")
        self._around(os, "rmdir", "disk: removal of a folder")
        self._around(Validation, "loss", "evaluation: scoring")
        self._around(Metrics, "flush", "metrics: flush")
        self._half_a_line(Metrics)
        self._half_a_file(safetensors.torch)
        self._ends_of_epochs(LaneBatches)
        self._steps(Observers)

    def _around(self, owner: Any, name: str, kind: str) -> None:
        call = getattr(owner, name)

        @wraps(call)
        def wrapped(*args: Any, **options: Any) -> Any:
            self.reach(f"{kind}, before")
            result = call(*args, **options)
            self.reach(f"{kind}, after")
            return result

        setattr(owner, name, wrapped)

    def _half_a_line(self, metrics: Any) -> None:
        append = metrics.append

        def wrapped(log: Any, record: Mapping[str, Any]) -> None:
            end = log._file.tell()
            append(log, record)

            def tear() -> None:
                log._file.flush()
                os.truncate(log._path, (end + log._file.tell()) // 2)

            self.reach("metrics: half a line in memory")
            self.reach("metrics: half a line on disk", tear)

        metrics.append = wrapped

    def _half_a_file(self, safetensors: Any) -> None:
        save_file = safetensors.save_file

        def wrapped(tensors: Any, path: Path) -> None:
            self.reach("save: tensors, before")
            save_file(tensors, path)
            self.reach("save: tensors, half of a file", lambda: os.truncate(path, path.stat().st_size // 2))
            self.reach("save: tensors, after")

        safetensors.save_file = wrapped

    def _ends_of_epochs(self, batches: Any) -> None:
        take = batches.next

        def wrapped(lanes: Any) -> Any:
            chunk = take(lanes)
            if lanes.at_start:
                self.reach("epoch: end")
            return chunk

        batches.next = wrapped

    def _steps(self, observers: Any) -> None:
        phase_started, step_finished = observers.phase_started, observers.step_finished

        def in_a_phase(self_: Any, phase: str) -> None:
            phase_started(self_, phase)
            self.reach(_PHASES.get(phase, f"step: {phase}"))

        def between_steps(self_: Any, step: int, loss: Any) -> None:
            step_finished(self_, step, loss)
            self.stepped(step)
            self.weights[step] = hash_of({name: each.numpy() for name, each in self_._model.state_dict().items()})
            self.reach("step: done")

        observers.phase_started, observers.step_finished = in_a_phase, between_steps


def hash_of(arrays: Mapping[str, Any]) -> str:
    """Hash arrays by name and bits."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + arrays[name].tobytes())
    return digest.hexdigest()
