"""A process that measures one way to generate, each time that it is asked on standard input."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.generation import limits, loops
from benchmarks.generation.shape import Shape

#: Seconds that one measurement takes about.
_SECONDS = 0.7


class Worker:
    """The parent's side.

    Args:
        way: a function of :mod:`benchmarks.generation.loops` or :mod:`benchmarks.generation.limits`.
        shape: what it generates with.
    """

    def __init__(self, way: str, shape: Shape) -> None:
        command = [sys.executable, "-m", __name__, way, str(shape.layers), str(shape.hidden), str(shape.lanes)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line()  # it is ready

    def measure(self) -> float:
        """Return steps a second."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def main() -> None:
    """Warm up, find how many steps fill the time, and measure when asked."""
    way, *numbers = sys.argv[1:]
    run = getattr(loops, way, None) or getattr(limits, way)
    if "torch" in sys.modules or way in ("kernel", "plain", "hand", "plugin"):
        import torch

        torch.set_flush_denormal(True)
    step = run(Shape(*map(int, numbers)))
    step(3)
    steps = 4
    while True:
        began = time.perf_counter()
        step(steps)
        took = time.perf_counter() - began
        if took > _SECONDS / 4:
            break
        steps *= 2
    steps = max(1, round(steps * _SECONDS / took))
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        step(steps)
        print(steps / (time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
