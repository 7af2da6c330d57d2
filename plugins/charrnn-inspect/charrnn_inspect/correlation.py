"""Which units follow what: Pearson's correlation over a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn_inspect.activations import Activations, Unit, Values
from charrnn_inspect.features import FEATURES, Numbers


@dataclass(frozen=True)
class Followed:
    """A feature, and a unit that follows it.

    Attributes:
        feature: its name.
        unit: the unit.
        correlation: between them, from -1 to 1.
    """

    feature: str
    unit: Unit
    correlation: float


def varying(features: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Leave out the features that are the same all over the text: nothing correlates with them."""
    return {name: numbers for name, numbers in features.items() if len(numbers) and np.ptp(numbers) > 0}


def correlations(values: Values, numbers: Numbers) -> NDArray[np.float64]:
    """Return Pearson's correlation of each unit with each feature; all features vary.

    Args:
        values: ``[T, N]``.
        numbers: ``[F, T]``, of ``F`` features.

    Returns:
        ``[F, N]``; 0 for a unit that is the same all over the text.
    """
    # At most 1 in size first: the squares of what a cell without bounds holds would overflow, or vanish.
    sizes = np.maximum(values.max(axis=0), -values.min(axis=0)).astype(np.float64)
    centred = values / np.maximum(sizes, np.finfo(np.float64).tiny)
    moves = np.ptp(centred, axis=0) > 0
    centred -= centred.mean(axis=0)
    wanted = numbers - numbers.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(wanted, axis=1, keepdims=True) * np.where(moves, np.linalg.norm(centred, axis=0), 1.0)
    found: NDArray[np.float64] = np.where(moves, wanted @ centred / norms, 0.0).clip(-1, 1)
    return found


def rank(activations: Activations, features: Mapping[str, Numbers], most: int) -> list[Followed]:
    """Find the units that follow each feature best, positively or negatively.

    Args:
        activations: of all units, ``[T, N]``.
        features: those that vary, ``[T]`` by name.
        most: units a feature.

    Returns:
        Feature by feature, each with its best unit first. Features that ask for a memory come before those that the
        character itself tells; among each, the one that is followed best is the first.
    """
    ranked = []
    numbers = np.reshape([*features.values()], (len(features), len(activations.values)))
    for name, found in zip(features, correlations(activations.values, numbers), strict=True):
        best = np.argsort(-np.abs(found), kind="stable")[:most]
        ranked.append([Followed(name, activations.units[place], float(found[place])) for place in best])
    at_once = {each.name for each in FEATURES if each.at_once}
    ranked.sort(key=lambda rows: (rows[0].feature in at_once, -abs(rows[0].correlation)))
    return [row for rows in ranked for row in rows]
