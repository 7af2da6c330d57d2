"""Where training runs."""

from __future__ import annotations

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


def set_up_processor(threads: int | None) -> int:
    """Set torch's thread count where one is given, flush denormals (which are slow), return the count in use."""
    if threads is not None:
        torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    return torch.get_num_threads()
