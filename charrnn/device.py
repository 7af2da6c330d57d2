"""Where training runs."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from charrnn.errors import UsageError

# Names of glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def choose_device(name: str) -> torch.device:
    """Return the device asked for; ``auto`` takes a GPU where there is one.

    Raises:
        UsageError: torch does not see it.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    seen = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not seen.get(device.type):
        raise UsageError(f"--device {name}: this torch sees no such device here; take --device cpu, or auto")
    return device


_CORES = torch.get_num_threads()
# Multiplications a step, for one gate of one layer, that keep a thread busy: with fewer, starting it costs more.
_WORK_OF_A_THREAD = 1 << 16


def suitable_threads(hidden: int, batch_size: int) -> int:
    """Return how many of the processor's threads a model of this size keeps busy."""
    return max(1, min(batch_size * hidden * hidden // _WORK_OF_A_THREAD, _CORES))


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next use, for the rest of the process.

    Each training step asks for the same large blocks as the one before. glibc gives them back to the system and gets
    them anew, which clears each page again: keeping them makes steps a quarter to a half faster. Other C libraries are
    left as they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)  # never


@contextmanager
def processor_tuned() -> Iterator[None]:
    """Let training set the processor up for a while; all is put back for who called us.

    Numbers smaller than a normal one are rounded to 0, since processors are slow with them; that holds for this thread
    and for those that torch starts from now on. How many threads there are and how a GPU multiplies is for training to
    choose.
    """
    threads, products = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(products)
