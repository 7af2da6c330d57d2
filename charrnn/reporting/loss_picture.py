"""Loss curves as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from charrnn.controls import printable_line
from charrnn.reporting.picture import write_picture
from charrnn.runs.curves import Curves, loss_range, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "os^Dv"
_COLOURS = 10
#: Of training, over the width of the picture.
_POINTS = 300
#: Inches.
_SIZE = (8, 5)
#: Of the range of losses, left free above and below.
_FREE = 0.03


def write_loss_picture(
    path: Path, kind: Literal["png", "svg"], drawn: Sequence[Curves], loss: str, against: str
) -> None:
    """Write curves as a picture.

    Args:
        path: is replaced.
        kind: of picture.
        drawn: at least one run's.
        loss: what the unit of the loss is called.
        against: what they are drawn against.

    Raises:
        UsageError: matplotlib is missing, or the file cannot be written.
    """
    write_picture(path, kind, _SIZE, lambda axes: _draw(axes, drawn, loss, against))


def _draw(axes: Axes, drawn: Sequence[Curves], loss: str, against: str) -> None:
    drawn = thinned(drawn, _POINTS)
    handles: list[Any] = []
    for number, each in enumerate(drawn):
        colour, marker = f"C{number % _COLOURS}", _MARKERS[number // _COLOURS % len(_MARKERS)]
        axes.plot(*_columns(each.training), color=colour, linewidth=0.8, alpha=0.5)
        handles += axes.plot(*_columns(each.validation), color=colour, linewidth=1.8, marker=marker, markersize=4)
    axes.legend(handles, [_label(each) for each in drawn], title="thick: validation, thin: training")
    low, high = loss_range(drawn)
    free = (high - low) * _FREE or 1.0
    axes.set_ylim(low - free, high + free)
    axes.set_xlim(left=0)
    axes.set_xlabel(against)
    axes.set_ylabel(loss)
    axes.grid(alpha=0.3)


def _label(curves: Curves) -> str:
    best = f", {curves.best[1]:.4f} at best" if curves.best else ""
    return f"{printable_line(curves.name)}{best}"


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
