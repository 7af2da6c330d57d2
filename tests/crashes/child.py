"""A process that trains by the real command line, and dies when it is told to.

It is forked from one that has imported all it needs and computed nothing, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import struct
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tests.crashes.moments import Moments

#: Seconds after which a child that has not ended is one that hangs.
_HANGS = 120
#: What a child would import, and import again each time.
_NEEDED = (
    "filelock",
    "safetensors.numpy",
    "safetensors.torch",
    "sentencepiece",
    "torch._dynamo",
    "charrnn.cells.fused",
    "charrnn.cli.train",
    "charrnn.generation.numpy_network",
    "charrnn.reporting.json_lines",
    "charrnn.training.train",
)
_STEP = struct.Struct("q")


@dataclass(frozen=True)
class Death:
    """How a process is to die.

    Attributes:
        kind: of the moment: one of :class:`Moments`, or a name for what its parent does; empty: it lives.
        nth: the moment of its kind, counted from 1.
        lines: its parent kills it when it has written so many lines.
        seconds: its parent kills it after that time.
    """

    kind: str = ""
    nth: int = 0
    lines: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes:
        code: its exit code; negative: the signal that killed it.
        step: the last that it took; 0 where there was none.
        saved: the last that it said was saved; 0 where there was none.
        told: what it wrote on standard error.
        seconds: that it lived.
    """

    code: int
    step: int
    saved: int
    told: str
    seconds: float

    @property
    def killed(self) -> bool:
        """Whether it died as it was told to."""
        return self.code == -signal.SIGKILL


def run_child(arguments: Sequence[str], folder: Path, death: Death, report: Path | None = None) -> Ending:
    """Call ``charrnn`` in a process of its own.

    Args:
        arguments: of the command line.
        folder: where it writes what it tells.
        death: how it is to die.
        report: where it says, at its end, how often it came by each kind of moment, and what its weights were.

    Raises:
        TimeoutError: it hangs.
    """
    step = mmap.mmap(-1, _STEP.size)  # shared: what the child writes here outlives it
    reads, writes = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reads)
        _train(arguments, writes, folder / "told.txt", death, report, step)
    os.close(writes)
    written = bytearray()
    try:
        if _its_time_comes(reads, death, written):
            os.kill(child, signal.SIGKILL)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child, 0)
        os.set_blocking(reads, False)  # what it has started may have the other end still
        with suppress(BlockingIOError):
            while piece := os.read(reads, 65536):
                written += piece
        os.close(reads)
    seconds = time.monotonic() - begun
    told = (folder / "told.txt").read_text(errors="replace")
    code = os.waitstatus_to_exitcode(status)
    return Ending(code, _STEP.unpack(step[:])[0], last_saved(bytes(written)), told, seconds)


def last_saved(written: bytes) -> int:
    """Return the last step that a process said was saved; what is half a line says nothing."""
    events = [json.loads(line) for line in written.split(b"\n")[:-1]]
    return max((each["step"] for each in events if each["event"] == "saved"), default=0)


def _its_time_comes(lines: int, death: Death, written: bytearray) -> bool:
    """Wait until a child is to be killed, keep what it writes; tells whether it is to be, or has ended before."""
    until = time.monotonic() + (_HANGS if death.seconds is None else death.seconds)
    while select.select([lines], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(lines, 65536)
        if not piece:
            return False
        written += piece
        if death.lines is not None and written.count(b"\n") >= death.lines:
            return True
    if death.seconds is None:
        raise TimeoutError(f"it hung for {_HANGS} seconds")
    return True


def _train(
    arguments: Sequence[str], lines: int, told: Path, death: Death, report: Path | None, step: mmap.mmap
) -> None:
    """Be the child; never returns."""
    code = 70
    try:
        os.dup2(lines, 1)
        os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        sys.stdout, sys.stderr = (open(stream, "w", buffering=1) for stream in (1, 2))  # noqa: SIM115, PTH123

        def stepped(number: int) -> None:
            step[:] = _STEP.pack(number)

        moments = Moments(death.kind, death.nth, stepped)
        moments.watch()
        code = call(arguments)
        if report is not None:
            report.write_text(json.dumps({"counts": moments.counts, "weights": moments.weights}))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def call(arguments: Sequence[str]) -> int:
    """Run the command line in this process."""
    from charrnn.cli import main
    from charrnn.training import stream_batches

    stream_batches.WINDOW_TOKENS = 1  # so that a short text has several windows
    return int(main(list(arguments)))


def warm_up() -> None:
    """Import what a child needs; no thread may run when it is forked."""
    for module in _NEEDED:
        import_module(module)
