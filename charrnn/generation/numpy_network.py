"""A whole model in NumPy: for cells with a NumPy form, on a processor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from charrnn.cells.numpy_forms.base import Array, NumpyCell, NumpyState, take
from charrnn.errors import RunError
from charrnn.generation.network import TABLE_SIZE, Logits, Network, NetworkState, map_leaves
from charrnn.generation.numpy_layers import LayerNorm, Zoneout
from charrnn.generation.sampling import log_probabilities
from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.settings import ModelSettings
from charrnn.tokenizers.base import Ids


class NumpyNetwork(Network):
    """Embedding, cells and output layer, as :class:`charrnn.model.LanguageModel` has them.

    OpenBLAS multiplies a matrix by a vector two to three times as fast as torch does, and importing it costs nothing.

    Args:
        settings: the model's shape; its cell has a NumPy form.
        vocab_size: ``V``.
        weights: by the names of the model's ``state_dict()``.

    Raises:
        RunError: the weights do not fit the shape.
        UsageError: the cell's name or an option of it is unknown.
    """

    def __init__(self, settings: ModelSettings, vocab_size: int, weights: Mapping[str, Array]) -> None:
        name, layers, hidden, embed = settings.shape()
        entry = plugins().cells[name]
        form = entry.load_numpy()
        options = check_options(entry, form.__init__, settings.cell_options)
        self.vocab_size = vocab_size
        self._blamed = entry.blamed
        self._embedding = take(weights, "embedding.weight", vocab_size, embed)
        self._output = take(weights, "output.weight", vocab_size, hidden).T
        self._bias = take(weights, "output.bias", vocab_size)[np.newaxis]
        sizes = [embed, *[hidden] * layers]
        self._adds = [settings.residual and before == after for before, after in pairwise(sizes)]
        norms = range(len(sizes)) if settings.layer_norm else ()
        self._norms = [LayerNorm(_below(weights, f"norms.{number}."), sizes[number]) for number in norms]
        within = Zoneout.WITHIN if settings.zoneout else ""
        with self._blamed():
            self._cells: list[NumpyCell] = [
                form(_below(weights, f"cells.{number}.{within}"), *size, **options)
                for number, size in enumerate(pairwise(sizes))
            ]
        if settings.zoneout:
            self._cells = [Zoneout(cell, settings.zoneout) for cell in self._cells]
        _check_names(weights, layers, len(self._norms))
        self._logits = np.empty((0, vocab_size), self._bias.dtype)

    def initial_state(self, lanes: int) -> NetworkState:
        """Return every layer's state before the first token."""
        with self._blamed():
            return tuple(cell.initial_state(lanes) for cell in self._cells)

    def step(self, ids: Ids, state: NetworkState) -> tuple[Logits, NetworkState]:
        """Read one id a lane."""
        states = []
        with self._blamed():
            features = projected = self._projected(ids)
            if self._adds[0]:
                features = self._embedding[ids]
            for layer, (cell, before) in enumerate(zip(self._cells, state, strict=True)):
                if layer:
                    projected = cell.project(self._normed(layer, features))
                outputs, after = cell.step(projected, before)
                features = features + outputs if self._adds[layer] else outputs
                states.append(after)
            self._check(outputs, after, len(ids))
        return self._to_logits(self._normed(-1, features)), tuple(states)

    def read(self, ids: Ids, state: NetworkState) -> tuple[Logits, NetworkState]:
        """Read ids in one pass."""
        features, state = self._features(ids, state)
        return self._to_logits(features[-1]), state

    def losses(self, ids: Ids, targets: Ids, state: NetworkState) -> tuple[NDArray[np.float64], NetworkState]:
        """Score targets in one pass."""
        features, state = self._features(ids, state)
        logs = log_probabilities(np.dot(features.reshape(ids.size, -1), self._output) + self._bias)
        found = -np.take_along_axis(logs, np.maximum(targets, 0).reshape(-1, 1), axis=-1).reshape(ids.shape)
        return np.where(targets < 0, 0.0, found), state

    def take(self, state: NetworkState, lanes: Ids) -> NetworkState:
        """Reorder."""
        return map_leaves(lambda leaf: leaf[lanes], state)

    def join(self, states: list[NetworkState]) -> NetworkState:
        """Put side by side."""
        return map_leaves(lambda *leaves: np.concatenate(leaves), *states)

    @cached_property
    def _table(self) -> Array | None:
        """Every token's projection by the first layer, where that is small: reading it spares a product a token."""
        one = self._project_embedded(self._embedding[:1])
        if one.size * self.vocab_size > TABLE_SIZE:
            return None
        return self._project_embedded(self._embedding).copy()

    def _project_embedded(self, embedded: Array) -> Array:
        return self._cells[0].project(self._normed(0, embedded))

    def _projected(self, ids: Ids) -> Array:
        table = self._table
        # "clip" spares a check of every id; all of them come from the tokenizer or from our own drawing.
        return self._project_embedded(self._embedding[ids]) if table is None else table.take(ids, axis=0, mode="clip")

    def _normed(self, layer: int, features: Array) -> Array:
        """Normalise what layer number ``layer`` reads, where the model does; -1 is the output layer."""
        return self._norms[layer](features) if self._norms else features

    def _features(self, ids: Ids, state: NetworkState) -> tuple[Array, NetworkState]:
        """Run layer by layer: ids ``[T, B]`` to what the output layer reads, ``[T, B, H]``."""
        states = []
        with self._blamed():
            features = projected = self._projected(ids.reshape(-1))
            if self._adds[0]:
                features = self._embedding[ids]
            for layer, (cell, after) in enumerate(zip(self._cells, state, strict=True)):
                if layer:
                    projected = cell.project(self._normed(layer, features).reshape(ids.size, -1))
                outputs = np.empty((*ids.shape, cell.hidden_size), self._bias.dtype)
                for time, row in enumerate(projected.reshape(*ids.shape, -1)):
                    outputs[time], after = cell.step(row, after)
                self._check(outputs[-1], after, ids.shape[1])
                features = features + outputs if self._adds[layer] else outputs
                states.append(after)
        return self._normed(-1, features), tuple(states)

    def _check(self, features: Array, state: NumpyState, lanes: int) -> None:
        """Refuse what a plugin's form gives back in another form than the contract's, before it fails elsewhere."""
        if features.shape != (lanes, self._output.shape[0]) or features.dtype != self._bias.dtype:
            raise ValueError(f"its step returns {features.dtype} outputs {list(features.shape)}")
        if not isinstance(state, tuple) or not all(isinstance(leaf, np.ndarray) for leaf in state):
            raise ValueError("its step returns a state that is no tuple of arrays")

    def _to_logits(self, features: Array) -> Logits:
        if len(self._logits) != len(features):
            self._logits = np.empty((len(features), self.vocab_size), self._bias.dtype)
        np.dot(features, self._output, out=self._logits)
        self._logits += self._bias
        return self._logits


def _check_names(weights: Mapping[str, Array], layers: int, norms: int) -> None:
    """Refuse weights that nobody reads."""
    known = {"embedding.weight", "output.weight", "output.bias"}
    parts = (*(f"cells.{number}." for number in range(layers)), *(f"norms.{number}." for number in range(norms)))
    for name in weights.keys() - known:
        if not name.startswith(parts):
            raise RunError(f"the weights have {name}, which belongs to no part of the model")


def _below(weights: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    names: Iterable[str] = (name for name in weights if name.startswith(prefix))
    return {name.removeprefix(prefix): weights[name] for name in names}
