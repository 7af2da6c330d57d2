"""Traces some steps of training, operation by operation."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch._C._autograd import _enable_record_function as _record
from torch.profiler import DeviceType, ProfilerActivity, profile, record_function

from charrnn.hookspecs import hookimpl
from charrnn.runs.layout import TRACE
from charrnn.runs.run import Run
from charrnn.training.events import Event, Finished, Notice, Operation, Profiled, Started

#: Steps before the traced ones, in which caches and the memory allocator settle.
_WARM_UP = 5
#: Operations that are told of.
_TOP = 10
_CUDA_CALL = re.compile(r"cu(da)?[A-Z]")
#: Above every level of torch's tracer, which writes to standard error that it starts and stops.
_QUIET = "6"


class Profiler:
    """Writes a trace of ``steps`` steps into the run, and tells which operations took the time.

    What lies between two steps is left out: an evaluation, a save or a sample would hide them.
    Each part of the work (see the hook ``phase_started``) is a named range in the trace; on a GPU, where kernels run
    later than they are asked for, an NVTX range as well.

    Args:
        steps: how many, after a few of warm-up where the run has as many.
        tell: told of the end of the trace, by one :class:`~charrnn.training.events.Profiled`.
    """

    def __init__(self, steps: int, tell: Callable[[Event], None]) -> None:
        self._asked = steps
        self._tell = tell
        self._done = 0
        self._phases: set[str] = set()
        self._range = ExitStack()
        self._profile: profile | None = None

    @hookimpl
    def run_started(self, run: Run, event: Started) -> None:
        """Choose the steps."""
        self._path = run.path / TRACE
        self._on_gpu = event.device.startswith("cuda")
        left = None if event.total_steps is None else event.total_steps - event.step
        self._skipped = _WARM_UP if left is None else max(0, min(_WARM_UP, left - self._asked))

    @hookimpl
    def phase_started(self, phase: str) -> None:
        """End one range and begin the next."""
        self._range.close()
        if phase == "data" and self._done == self._skipped:
            self._start()
        if self._profile is None:
            return
        if phase == "data":
            _record(True)
        self._phases.add(phase)
        self._range.enter_context(record_function(phase))
        if self._on_gpu:
            self._range.enter_context(torch.cuda.nvtx.range(phase))

    @hookimpl
    def step_finished(self) -> None:
        """Count the step."""
        self._range.close()
        self._done += 1
        if self._profile is None:
            return
        _record(False)
        if self._done == self._skipped + self._asked:
            self._write()

    @hookimpl
    def run_finished(self, event: Finished | None) -> None:  # noqa: ARG002 - however it ends
        """Write what there is of a trace that was to be longer."""
        self._range.close()
        if self._profile is not None:
            self._write()
        elif self._done <= self._skipped:
            self._tell(Notice(f"--profile: the run ended after {self._done} steps, before a trace began"))

    def _start(self) -> None:
        os.environ.setdefault("KINETO_LOG_LEVEL", _QUIET)
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self._on_gpu else [])]
        # It starts once and stops once; torch warns of what would be lost if it did so again.
        self._profile = profile(activities=activities, acc_events=True)
        self._profile.start()

    def _write(self) -> None:
        found, self._profile = self._profile, None
        assert found is not None
        _record(True)
        found.stop()
        self._path.parent.mkdir(exist_ok=True)
        # torch opens names beside the one that it is given: in a folder of our own no stranger's link is in the way.
        with TemporaryDirectory(prefix=".unfinished-", dir=self._path.parent) as folder:
            unfinished = Path(folder, self._path.name)
            found.export_chrome_trace(str(unfinished))
            unfinished.replace(self._path)
        self._tell(self._summary(found))

    def _summary(self, found: profile) -> Profiled:
        averages = found.key_averages()
        # Kernels stand by themselves, beside the operations that asked for them; so do calls of CUDA's functions.
        asked = [each for each in averages if each.device_type == DeviceType.CPU and not _CUDA_CALL.match(each.key)]
        kernels = [each for each in averages if each.device_type != DeviceType.CPU and not each.is_user_annotation]
        operations = [_operation(each, each.self_cpu_time_total, each.self_device_time_total) for each in asked]
        operations.sort(key=lambda each: (each.device_seconds, each.seconds), reverse=True)
        phases = [
            _operation(each, each.cpu_time_total, each.device_time_total) for each in asked if each.key in self._phases
        ]
        on_device = sum(each.self_device_time_total for each in kernels) / 1e6
        # What lies in no range: kernels of the backward pass, which a thread of autograd's own asks for, and those of a
        # recorded step.
        last = "backward" if "backward" in self._phases else "forward"
        rest = on_device - sum(each.device_seconds for each in phases)
        phases = [
            replace(each, device_seconds=each.device_seconds + rest) if each.name == last else each for each in phases
        ]
        return Profiled(
            steps=self._done - self._skipped,
            asked=self._asked,
            path=self._path,
            seconds=sum(each.seconds for each in phases),
            device_seconds=on_device if self._on_gpu else None,
            phases=tuple(sorted(phases, key=lambda each: -each.seconds)),
            operations=tuple(each for each in operations if each.name not in self._phases)[:_TOP],
        )


def _operation(average: Any, microseconds: float, on_device: float) -> Operation:
    return Operation(average.key, average.count, microseconds / 1e6, on_device / 1e6)
