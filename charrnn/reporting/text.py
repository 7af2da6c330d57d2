"""Words and numbers as a person reads them."""

from __future__ import annotations

# Control characters, by the pictures that Unicode has of them: what a model or corpus writes must not steer a terminal.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(128, 160), 65533)
# These turn the direction of what follows around.
_PICTURES |= dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], 65533)


def printable(text: str) -> str:
    """Show control characters instead of sending them."""
    return text.translate(_PICTURES)


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
