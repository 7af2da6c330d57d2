"""Embedding, a stack of cells, an output layer.

Shapes: ``T`` time steps, ``B`` batch lanes, ``E`` embedding features, ``H`` hidden features, ``V`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from charrnn.cells.base import Cell, State
from charrnn.errors import UsageError
from charrnn.model.dropout import Dropout
from charrnn.model.recurrent_weights import check_named, make_orthogonal
from charrnn.model.zoneout import Zoneout
from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.recurrence.linear import ROWS, QuickProducts
from charrnn.settings import ModelSettings

#: One state a layer.
ModelState = tuple[State, ...]


class LanguageModel(nn.Module):
    """Predicts each next token from those before it.

    With ``layer_norm`` what each cell and the output layer read is normalised (Ba et al. 2016, equation 4). With
    ``residual`` a cell's inputs are added to its outputs where both are as wide (He et al. 2016). With ``tied`` the
    output layer's matrix is the embedding's (Press and Wolf 2017; Inan et al. 2017).

    Args:
        settings: the shape, and what regularises it.
        vocab_size: ``V``.

    Raises:
        UsageError: the cell's name or an option of it is unknown, or a setting does not fit the cell or the shape.
        PluginError: as every method, where a plugin's cell fails; or names what are no recurrent weights of it.
    """

    def __init__(self, settings: ModelSettings, vocab_size: int) -> None:
        super().__init__()
        _, layers, hidden, embed = settings.shape()
        self.embedding = nn.Embedding(vocab_size, embed)
        sizes = [embed, *[hidden] * layers]
        self.cells = self._make_cells(settings, sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in sizes) if settings.layer_norm else None
        self._adds = [settings.residual and before == after for before, after in pairwise(sizes)]
        self.dropout = Dropout(settings.dropout or 0.0, variational=settings.variational)
        self.output = nn.Linear(hidden, vocab_size)
        if settings.tied:
            if embed != hidden:
                raise UsageError(
                    f"--tied: the embedding has {embed} features, a layer {hidden}; give --embed {hidden}, or --hidden "
                    f"{embed}"
                )
            self.embedding.weight = self.output.weight
        if settings.orthogonal:
            make_orthogonal(self.cells)

    def _make_cells(self, settings: ModelSettings, sizes: list[int]) -> nn.ModuleList:
        entry = plugins().cells[settings.shape()[0]]
        cell = entry.load()
        options = check_options(entry, cell.__init__, settings.cell_options)
        self._blamed = entry.blamed
        with self._blamed():
            cells: list[Cell] = [cell(before, after, **options) for before, after in pairwise(sizes)]
        for flag, value in (("--weight-drop", settings.weight_drop), ("--orthogonal", settings.orthogonal)):
            if value:
                check_named(nn.ModuleList(cells), entry.name, flag)
        if settings.zoneout:
            cells = [Zoneout(each, settings.zoneout) for each in cells]
        return nn.ModuleList(cells)

    def initial_state(self, batch_size: int) -> ModelState:
        """Return every layer's state before the first token."""
        with self._blamed():
            return tuple(cell.initial_state(batch_size) for cell in self.cells)  # type: ignore[operator]

    def forward(self, ids: Tensor, state: ModelState) -> tuple[Tensor, ModelState]:
        """Score the next token after each: ids ``[T, B]`` to logits ``[T, B, V]`` and the last state."""
        features, state = self.features(ids, state)
        with QuickProducts():
            return self.output(features), state

    def features(self, ids: Tensor, state: ModelState) -> tuple[Tensor, ModelState]:
        """Run over time: ids ``[T, B]`` to what the output layer reads, ``[T, B, H]``, and the last state."""
        features = self.embedding(ids)
        states = []
        for layer, (cell, before) in enumerate(zip(self.cells, state, strict=True)):
            inputs = self._read(layer, features)
            with self._blamed():
                outputs, after = self._checked(cell(inputs, before), inputs)
            features = self._added(layer, features, outputs)
            states.append(after)
        return self._read(-1, features), tuple(states)

    def step(self, ids: Tensor, state: ModelState, table: Tensor | None = None) -> tuple[Tensor, ModelState]:
        """Generate: one step of every cell, without dropout; ids ``[B]`` to logits ``[B, V]`` and the next state.

        Args:
            ids: one a lane.
            state: before the step.
            table: :meth:`first_projection` of every id, ``[V, P]``, where that was made.
        """
        with QuickProducts() if len(ids) >= ROWS else nullcontext():
            return self._step(ids, state, table)

    def _step(self, ids: Tensor, state: ModelState, table: Tensor | None) -> tuple[Tensor, ModelState]:
        states = []
        features = self.embedding(ids) if table is None or self._adds[0] else table
        for layer, (cell, before) in enumerate(zip(self.cells, state, strict=True)):
            with self._blamed():
                projected = self._projected(layer, features) if layer or table is None else table[ids]
                outputs, after = self._checked(cell.step(projected, before), projected)  # type: ignore[operator]
            features = self._added(layer, features, outputs)
            states.append(after)
        return self.output(self._normed(-1, features)), tuple(states)

    def first_projection(self, ids: Tensor) -> Tensor:
        """Return what the first cell makes of ids ``[N]`` before any recurrence: ``[N, P]``."""
        with self._blamed():
            return self._projected(0, self.embedding(ids))

    def _projected(self, layer: int, features: Tensor) -> Tensor:
        """Project features ``[N, I]`` of one step."""
        inputs = self._normed(layer, features).unsqueeze(0)
        return self.cells[layer].project(inputs)[0]  # type: ignore[operator, no-any-return]

    def _read(self, layer: int, features: Tensor) -> Tensor:
        """Return what layer number ``layer`` reads while training: the embedding whole, all else with dropout.

        Dropout comes after the norm: before it, it would raise the variance that the norm divides by, while training
        only, and the model would be surer of itself afterwards than it has learned to be (Li et al. 2019, on batch
        norms).
        """
        normed = self._normed(layer, features)
        return self.dropout(normed) if layer else normed

    def _normed(self, layer: int, features: Tensor) -> Tensor:
        """Normalise what layer number ``layer`` reads, where that is asked for; -1 is the output layer."""
        return features if self.norms is None else self.norms[layer](features)

    def _added(self, layer: int, features: Tensor, outputs: Tensor) -> Tensor:
        return features + outputs if self._adds[layer] else outputs

    def _checked(self, found: Any, inputs: Tensor) -> tuple[Tensor, State]:
        """Refuse what a plugin's cell gives back in another form than the contract's, before it fails elsewhere."""
        outputs, state = found
        lanes = inputs.shape[-2]
        if not isinstance(state, tuple) or not all(
            isinstance(leaf, Tensor) and leaf.shape[:1] == (lanes,) for leaf in state
        ):
            raise ValueError("its step returns a state that is no tuple of tensors with one row a lane")
        wanted = (*inputs.shape[:-1], self.output.in_features)
        if outputs.shape != wanted:
            raise ValueError(f"its step returns outputs {list(outputs.shape[1:])}, not {list(wanted[1:])}")
        if outputs.dtype != inputs.dtype and not torch.is_autocast_enabled(inputs.device.type):
            raise ValueError(f"its step returns {outputs.dtype}, and was given {inputs.dtype}")
        return outputs, state

    def parameter_count(self) -> int:
        """Count the trained numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def map_state(function: Callable[[Tensor], Tensor], state: ModelState) -> ModelState:
    """Apply ``function`` to every leaf."""
    return tuple(tuple(function(leaf) for leaf in layer) for layer in state)


def detach(state: ModelState) -> ModelState:
    """Cut the state from the graph that made it: what truncates backpropagation through time."""
    return map_state(torch.Tensor.detach, state)
