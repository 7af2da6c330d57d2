"""A trained model at work on the text that its run held back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import charrnn
from charrnn.runs.model import load_model
from charrnn.runs.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from charrnn.cells.base import Cell
    from charrnn.model import LanguageModel
    from charrnn.tokenizers.base import Ids


def open_run(name: str | None, checkpoints: Path | None) -> tuple[Run, LanguageModel]:
    """Find a run and load its best weights, in double precision: small numbers are what is looked for.

    Raises:
        RunError: it is not there or damaged, or a plugin that it was made with is missing.
    """
    run = charrnn.load(name, checkpoints=checkpoints).run
    assert run is not None
    return run, load_model(run).double().eval()


def in_lanes(tokens: Ids, steps: int, lanes: int) -> Tensor:
    """Cut contiguous parts of ``steps`` tokens off the start: ids ``[T, B]``, in at most so many lanes as there are."""
    lanes = min(lanes, len(tokens) // steps)
    return torch.from_numpy(tokens[: lanes * steps].astype("int64")).view(lanes, steps).T


def each_layer(model: LanguageModel, ids: Tensor) -> Iterator[tuple[Cell, Tensor]]:
    """Yield each layer's cell and what it reads, ``[T, B, I]``, of a model that reads ids ``[T, B]`` from the start."""
    with ExitStack() as hooks, torch.no_grad():
        inputs: list[Tensor] = []
        for cell in model.cells:
            hooks.callback(cell.register_forward_pre_hook(lambda _, given: inputs.append(given[0])).remove)
        model.features(ids, model.initial_state(ids.shape[1]))
    for cell, read in zip(model.cells, inputs, strict=True):
        assert isinstance(cell, charrnn.Cell)
        yield cell, read
