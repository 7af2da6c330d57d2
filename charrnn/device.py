"""Where training runs."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

from charrnn.cores import usable_cores
from charrnn.errors import UsageError
from charrnn.launch import Place

# Names of glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def device_of_rank(name: str, place: Place) -> torch.device:
    """Return the device asked for by a launch: each process on a machine has a GPU to itself.

    Raises:
        UsageError: torch does not see it, or it is for one process only.
    """
    device = choose_device(name)
    if place.size == 1 or device.type == "cpu":
        return device
    if device.type != "cuda" or ":" in name:
        raise UsageError(f"--device {name}: {place.size} ranks run on cpu or cuda, where each takes a GPU of its own")
    if place.local_rank >= torch.cuda.device_count():
        raise UsageError(
            f"rank {place.rank} finds {torch.cuda.device_count()} GPUs for the {place.local_size} processes on this "
            "machine; lower --nproc-per-node, or give --device cpu"
        )
    torch.cuda.set_device(place.local_rank)
    return torch.device("cuda", place.local_rank)


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
_MOST_ON_A_CORE = 16


def suitable_threads(hidden: int, batch_size: int, processes: int = 1) -> int:
    """Return how many of the processor's threads a model of this size keeps busy, in each of some processes."""
    # torchrun lets each process see one thread, unless the environment says otherwise.
    cores = _CORES if processes == 1 else usable_cores(processes)
    return max(1, min(batch_size * hidden * hidden // _WORK_OF_A_THREAD, cores))


def check_threads(threads: int | None) -> None:
    """Make sure that a person's threads are not so many that starting them fails, which ends the process in C.

    A few on each core have their use: they go on to the same bits with a run of a larger machine.

    Raises:
        UsageError: there are more.
    """
    cores = usable_cores()
    most = cores * _MOST_ON_A_CORE
    if threads is not None and threads > most:
        raise UsageError(f"--threads {threads}: there are {cores} cores; give {most} at most, or leave it out")


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
