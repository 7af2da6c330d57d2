"""What the units of a network are at, at each moment of a text.

Shapes: ``T`` tokens, ``N`` units of all layers and leaves together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import UsageError, near_names
from charrnn.generation.network import Network, NetworkState
from charrnn.generation.sampling import no_numbers
from charrnn.tokenizers.base import Ids

Values = NDArray[np.floating[Any]]

#: What the leaves of a cell's state are called, in their order: as an LSTM's are.
_LEAVES = ("hidden", "memory")


class Unit(NamedTuple):
    """One number of a network's state.

    Attributes:
        layer: counted from 1.
        leaf: of that layer's state, by name.
        unit: counted from 1; a leaf of several axes is flattened.
    """

    layer: int
    leaf: str
    unit: int

    def __str__(self) -> str:
        """Write it as ``layer.unit``, with the leaf where that is not the hidden state."""
        return f"{self.layer}.{self.unit}" + ("" if self.leaf == _LEAVES[0] else f" {self.leaf}")


@dataclass(frozen=True)
class Activations:
    """Units of a network over a text.

    Attributes:
        units: which they are.
        values: each after each token, ``[T, N]``.
    """

    units: Sequence[Unit]
    values: Values

    def where(self, wanted: Callable[[Unit], bool]) -> Activations:
        """Return those units that are wanted."""
        places = [place for place, unit in enumerate(self.units) if wanted(unit)]
        return Activations([self.units[place] for place in places], self.values[:, places])

    def of(self, unit: Unit) -> Values:
        """Return one unit's, ``[T]``."""
        return self.values[:, self.units.index(unit)]


def gather(network: Network, context: int, ids: Ids) -> Activations:
    """Read ids ``[T]`` one by one and keep the whole state after each.

    Args:
        network: reads.
        context: the id that is read before the first.
        ids: of the text.

    Raises:
        RunError: an activation is no number.
    """
    _, state = network.step(np.array([context]), network.initial_state(1))
    first = _flat(state)
    values = np.empty((len(ids), len(first)), first.dtype)
    for time, token in enumerate(ids.astype(np.int64)):
        _, state = network.step(token[np.newaxis], state)
        values[time] = _flat(state)
    if not np.isfinite(values).all():
        raise no_numbers()
    return Activations(_units(state), values)


def choose(found: Activations, layer: int | None, leaf: str | None, unit: int | None) -> Activations:
    """Keep the units of a layer, of a leaf, or with a number, where these are given.

    Raises:
        UsageError: there is no such layer, leaf or unit.
    """
    layers = max(each.layer for each in found.units)
    if layer is not None and layer > layers:
        raise UsageError(f"--layer {layer}: the run has {layers} layer{'s' if layers > 1 else ''}, counted from 1")
    leaves = {each.leaf for each in found.units}
    if leaf is not None and leaf not in leaves:
        raise UsageError(f"--leaf '{leaf}': the state of the run's cell has no such leaf: {near_names(leaf, leaves)}")
    some = found.where(lambda each: layer in (None, each.layer) and leaf in (None, each.leaf))
    most = max(each.unit for each in some.units)
    if unit is not None and unit > most:
        raise UsageError(f"--unit {unit}: the layer has {most} units, counted from 1")
    return some.where(lambda each: unit in (None, each.unit))


def _units(state: NetworkState) -> list[Unit]:
    return [
        Unit(layer, _leaf_name(place), number)
        for layer, leaves in enumerate(state, 1)
        for place, leaf in enumerate(leaves)
        for number in range(1, len(_to_numpy(leaf)) + 1)
    ]


def _leaf_name(place: int) -> str:
    return _LEAVES[place] if place < len(_LEAVES) else f"leaf-{place + 1}"


def _flat(state: NetworkState) -> Values:
    return np.concatenate([_to_numpy(leaf) for layer in state for leaf in layer])


def _to_numpy(leaf: Any) -> Values:
    """Return the only lane of a leaf, ``[B, ...]`` of NumPy or torch, flattened."""
    array: Values = leaf if isinstance(leaf, np.ndarray) else leaf.double().cpu().numpy()
    return array.reshape(-1)
