"""Embedding, a stack of cells, an output layer.

Shapes: ``T`` time steps, ``B`` batch lanes, ``E`` embedding features, ``H`` hidden features, ``V`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from charrnn.cells.base import State
from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.settings import ModelSettings

#: One state a layer.
ModelState = tuple[State, ...]


class LanguageModel(nn.Module):
    """Predicts each next token from those before it.

    Args:
        settings: the shape: cell, layers, hidden and embedding size, dropout.
        vocab_size: ``V``.

    Raises:
        UsageError: the cell's name or an option of it is unknown.
        PluginError: as every method, where a plugin's cell fails.
    """

    def __init__(self, settings: ModelSettings, vocab_size: int) -> None:
        super().__init__()
        name, layers, hidden, embed = settings.shape()
        entry = plugins().cells[name]
        cell = entry.load()
        options = check_options(entry, cell.__init__, settings.cell_options)
        self._blamed = entry.blamed
        self.embedding = nn.Embedding(vocab_size, embed)
        with self._blamed():
            self.cells = nn.ModuleList(
                cell(embed if layer == 0 else hidden, hidden, **options) for layer in range(layers)
            )
        # Dropout on what goes up, not on what goes forward in time (Zaremba et al. 2014).
        self.dropout = nn.Dropout(settings.dropout or 0.0)
        self.output = nn.Linear(hidden, vocab_size)

    def initial_state(self, batch_size: int) -> ModelState:
        """Return every layer's state before the first token."""
        with self._blamed():
            return tuple(cell.initial_state(batch_size) for cell in self.cells)  # type: ignore[operator]

    def forward(self, ids: Tensor, state: ModelState) -> tuple[Tensor, ModelState]:
        """Score the next token after each: ids ``[T, B]`` to logits ``[T, B, V]`` and the last state."""
        features, state = self.features(ids, state)
        return self.output(features), state

    def features(self, ids: Tensor, state: ModelState) -> tuple[Tensor, ModelState]:
        """Run over time: ids ``[T, B]`` to what the output layer reads, ``[T, B, H]``, and the last state."""
        features = self.embedding(ids)
        states = []
        for cell, before in zip(self.cells, state, strict=True):
            with self._blamed():
                features, after = self._checked(cell(features, before), features)
            features = self.dropout(features)
            states.append(after)
        return features, tuple(states)

    def step(self, ids: Tensor, state: ModelState, table: Tensor | None = None) -> tuple[Tensor, ModelState]:
        """Generate: one step of every cell, without dropout; ids ``[B]`` to logits ``[B, V]`` and the next state.

        Args:
            ids: one a lane.
            state: before the step.
            table: :meth:`first_projection` of every id, ``[V, P]``, where that was made.
        """
        features = self.first_projection(ids) if table is None else table[ids]
        states = []
        with self._blamed():
            for number, (cell, before) in enumerate(zip(self.cells, state, strict=True)):
                projected = cell.project(features.unsqueeze(0))[0] if number else features  # type: ignore[operator]
                features, after = self._checked(cell.step(projected, before), projected)  # type: ignore[operator]
                states.append(after)
        return self.output(features), tuple(states)

    def first_projection(self, ids: Tensor) -> Tensor:
        """Return what the first cell makes of ids ``[N]`` before any recurrence: ``[N, P]``."""
        with self._blamed():
            return self.cells[0].project(self.embedding(ids).unsqueeze(0))[0]  # type: ignore[operator, no-any-return]

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


def model_shapes(settings: ModelSettings, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that a model of these settings saves, without allocating any."""
    with torch.device("meta"), _NothingDrawn():
        model = LanguageModel(settings, vocab_size)
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


class _NothingDrawn(TorchFunctionMode):
    """Leaves tensors without memory undrawn: torch would import its compiler, for a second, to do nothing to them."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if function in (Tensor.normal_, Tensor.uniform_) or getattr(function, "__module__", "") == nn.init.__name__:
            tensor = args[0] if args else given["tensor"]
            if tensor.is_meta:
                return tensor
        return function(*args, **given)


def map_state(function: Callable[[Tensor], Tensor], state: ModelState) -> ModelState:
    """Apply ``function`` to every leaf."""
    return tuple(tuple(function(leaf) for leaf in layer) for layer in state)


def detach(state: ModelState) -> ModelState:
    """Cut the state from the graph that made it: what truncates backpropagation through time."""
    return map_state(torch.Tensor.detach, state)
