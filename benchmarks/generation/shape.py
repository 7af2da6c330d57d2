"""The models whose generation is measured."""

from __future__ import annotations

from dataclasses import dataclass

VOCABULARY = 65
EMBEDDING = 64


@dataclass(frozen=True)
class Shape:
    """Layers and hidden features of an LSTM, and the texts that it writes side by side."""

    layers: int
    hidden: int
    lanes: int

    def __str__(self) -> str:
        return f"{self.layers}x{self.hidden}"

    @property
    def weights(self) -> int:
        """Weights that a character needs: all matrices but the first layer's inward one.

        What that makes of each of the few tokens can be kept in a table; one row of it is read.
        """
        recurrent = self.layers * 4 * self.hidden**2
        inward = (self.layers - 1) * 4 * self.hidden**2
        return recurrent + inward + self.hidden * VOCABULARY

    @property
    def bytes(self) -> int:
        """Of these weights."""
        return 4 * self.weights

    @property
    def operations(self) -> int:
        """Of one step of all texts: a multiplication and an addition a weight and text."""
        return 2 * self.weights * self.lanes
