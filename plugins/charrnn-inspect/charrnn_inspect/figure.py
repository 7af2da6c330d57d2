"""The same curves as a picture, by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from charrnn.errors import UsageError
from charrnn_inspect.gradients import Curve


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
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(f"--{kind} needs matplotlib, which is not here: pip install 'charrnn-cli[plot]'") from None
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for curve in curves:
        axes.semilogy(range(len(curve.norms)), curve.norms, label=curve.name)
    axes.set(title=title, xlabel="distance in time k", ylabel="norm of the gradient, 1 at distance 0")
    axes.grid(alpha=0.3)
    axes.legend()
    try:
        with rc_context({"svg.hashsalt": "charrnn"}):  # the same curves give the same file
            figure.savefig(path, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    except OSError as error:
        raise UsageError(f"--{kind} '{path}' cannot be written: {error.strerror}") from None
