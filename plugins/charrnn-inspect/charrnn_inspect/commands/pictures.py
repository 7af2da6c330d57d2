"""``--svg`` and ``--png``, which write a picture beside what is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from charrnn.reporting.echo import tell


def write_pictures(svg: Path | None, png: Path | None, write: Callable[[Path, str], None]) -> None:
    """Write those that were asked for, and tell of each.

    Args:
        svg: where one of the kind ``svg`` goes.
        png: where one of the kind ``png`` goes.
        write: is given a file and its kind.
    """
    for kind, path in (("svg", svg), ("png", png)):
        if path is not None:
            write(path, kind)
            tell(f"wrote {path}")
