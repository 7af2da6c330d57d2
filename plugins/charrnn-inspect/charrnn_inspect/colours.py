"""From an activation to a colour: red below 0, blue above it, as Karpathy et al. 2015 have it in figure 2."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn_inspect.activations import Values

#: A text's largest activation, below or above 0, is so much.
FULL = 100
#: Steps from 0 to the full colour.
STEPS = 4

#: From the most negative to the most positive. Black text is read on all of these,
LIGHT = ("#e8764b", "#f09b78", "#f7bfa6", "#fbe0d4", "#ffffff", "#dbe9f6", "#b3d0ea", "#84b3dd", "#5596cf")
#: and light text on these.
DARK = ("#a63f1a", "#8c3416", "#6b2813", "#4a1d10", "#16181c", "#102a43", "#153f68", "#1a558f", "#1f6bb3")


def scaled(values: Values) -> tuple[NDArray[np.int64], float]:
    """Return activations as whole numbers from ``-FULL`` to ``FULL``, and the activation that ``FULL`` is."""
    scale = float(np.abs(values).max(initial=0.0)) or 1.0
    return np.rint(values / scale * FULL).astype(np.int64), scale


def levels(numbers: NDArray[np.int64]) -> Sequence[int]:
    """Return the places of their colours in :data:`LIGHT` and :data:`DARK`."""
    places: list[int] = (np.rint(numbers * STEPS / FULL).astype(np.int64) + STEPS).tolist()
    return places
