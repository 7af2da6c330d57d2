"""The map of tokens as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from charrnn.reporting.picture import write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Kinds of tokens by what Python calls them, the first that fits; whatever else there is comes last.
_KINDS = {"lower case": str.islower, "upper case": str.isupper, "digits": str.isdigit, "letters": str.isalpha}
_OTHER = "other"


def write_map(
    path: Path,
    kind: str,
    title: str,
    tokens: Sequence[tuple[str, str]],
    places: NDArray[Any],
    shares: NDArray[Any],
) -> None:
    """Write each token's name where it lies, in the colour of its kind.

    Args:
        path: of the file.
        kind: ``svg`` or ``png``.
        title: above it.
        tokens: text and name of each of ``V``.
        places: ``[V, 2]``.
        shares: of the variance, along each axis.

    Raises:
        UsageError: matplotlib is not installed, or the file cannot be written.
    """
    kinds = [_kind(text) for text, _ in tokens]
    colours = {name: f"C{number}" for number, name in enumerate((*_KINDS, _OTHER)) if name in kinds}

    def draw(axes: Axes) -> None:
        axes.scatter(places[:, 0], places[:, 1], s=0)  # names have no say in the axes' range
        for (_, name), of, (x, y) in zip(tokens, kinds, places, strict=True):
            axes.text(x, y, name, color=colours[of], ha="center", va="center", clip_on=True)
        for name, colour in colours.items():
            axes.scatter([], [], color=colour, label=name)
        axes.set(title=title, xlabel=f"{shares[0]:.0%} of the variance", ylabel=f"{shares[1]:.0%} of the variance")
        axes.grid(alpha=0.3)
        axes.legend()

    write_picture(path, kind, (9, 7), draw)


def _kind(text: str) -> str:
    return next((name for name, fits in _KINDS.items() if fits(text.strip())), _OTHER)
