"""A picture in a file, by matplotlib: of our own commands, and of plugins'."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.atomic import write_named
from charrnn.controls import printable
from charrnn.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The same numbers give the same file; a run's name and its tokens are no formulas; text stays text.
_STYLE: dict[Any, Any] = {"svg.hashsalt": "charrnn", "text.parse_math": False, "svg.fonttype": "none"}

#: All but the characters of XML 1.0, section 2.2: what a run or a token is called has no bounds, and an SVG has.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_picture(path: Path, kind: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> None:
    """Write a picture.

    Args:
        path: of the file, which is replaced.
        kind: ``svg`` or ``png``.
        size: in inches, to the right and up.
        draw: fills it.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    if not path.name:
        raise UsageError(f"--{kind} '{path}' cannot be written: it is a folder")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.text import Text
    except ImportError:
        raise UsageError(f"--{kind} needs the matplotlib package: pip install matplotlib") from None
    content = BytesIO()
    with rc_context(_STYLE), warnings.catch_warnings():
        # Said of each sign, several times; it is a box then in a PNG, and in an SVG what the reader's fonts have.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots())
        for text in figure.findobj(Text):
            text.set_text(printable(_NOT_IN_XML.sub("\ufffd", text.get_text())))
        figure.savefig(content, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    try:
        write_named(path, content.getvalue())
    except OSError as error:
        raise UsageError(f"--{kind} '{path}' cannot be written: {error.strerror}") from None
