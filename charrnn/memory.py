"""How much memory the machine has: what can never fit is refused before it is tried, which would end in a kill."""

from __future__ import annotations

import os

from charrnn.errors import UsageError


def refuse_too_large(needed: int, what: str) -> None:
    """Compare what something needs with all the memory there is.

    Args:
        needed: bytes, at least.
        what: needs them, as the message's subject.

    Raises:
        UsageError: there is less.
    """
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return  # not told on this system
    if needed > there > 0:
        raise UsageError(
            f"{what} needs {needed / 1e9:,.1f} GB of memory at least, and this machine has {there / 1e9:,.1f} GB; "
            "take fewer --layers or a smaller --hidden"
        )
