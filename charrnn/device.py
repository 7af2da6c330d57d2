"""Where training runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from charrnn.errors import UsageError


def choose_device(name: str) -> torch.device:
    """Return the device asked for; ``auto`` takes a GPU where there is one.

    Raises:
        UsageError: torch does not see it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    seen = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not seen[device.type]:
        raise UsageError(f"--device {name}: this torch sees no such device here; take --device cpu, or auto")
    return device


def set_threads(threads: int | None) -> int:
    """Set torch's thread count where one is given, and return the one in use."""
    if threads is not None:
        torch.set_num_threads(threads)
    return torch.get_num_threads()


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Round what is smaller than a normal number to 0 for a while: processors are slow with such numbers.

    It holds for this thread and for those that torch starts from now on, and is put back for who called us.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
