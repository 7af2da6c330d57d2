"""The same curves as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from charrnn.reporting.picture import write_picture
from charrnn_inspect.gradients import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write_figure(path: Path, kind: str, title: str, curves: Sequence[Curve]) -> None:
    """Write a picture.

    Args:
        path: of the file.
        kind: ``svg`` or ``png``.
        title: above it.
        curves: what is drawn.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """

    def draw(axes: Axes) -> None:
        for curve in curves:
            axes.semilogy(range(len(curve.norms)), curve.norms, label=curve.name)
        axes.set(title=title, xlabel="distance in time k", ylabel="norm of the gradient, 1 at distance 0")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0e}")  # by itself it writes formulas, which are off
        axes.grid(alpha=0.3)
        axes.legend()

    write_picture(path, kind, (7, 4.5), draw)
