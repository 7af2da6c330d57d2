"""Words and numbers as a person reads them."""

from __future__ import annotations


def clock(seconds: float | None) -> str:
    """Write seconds as ``h:mm:ss``."""
    if seconds is None:
        return "-:--:--"
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def remaining(seconds: float, progress: float) -> float | None:
    """Estimate the seconds that are left."""
    return None if progress <= 0 else seconds * (1 - progress) / progress


def megabytes(size: int) -> str:
    """Write a number of bytes."""
    return f"{size / 1e6:,.1f} MB"
