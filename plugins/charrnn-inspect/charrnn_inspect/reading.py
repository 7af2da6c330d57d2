"""A trained model at work on the text that its run held back."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from charrnn.runs.find import find_run
from charrnn.runs.model import load_model
from charrnn.runs.place import checkpoints_directory
from charrnn.runs.provenance import check_plugins
from charrnn.runs.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from charrnn import Cell, State
    from charrnn.model import LanguageModel, ModelState
    from charrnn.tokenizers.base import Ids


class Layer(NamedTuple):
    """A layer of a model at work.

    Attributes:
        cell: of it.
        inputs: what it reads, ``[T, B, I]``.
        state: before that.
    """

    cell: Cell
    inputs: Tensor
    state: State


def open_run(name: str | None, checkpoints: Path | None) -> tuple[Run, LanguageModel]:
    """Find a run and load its best weights, in double precision: small numbers are what is looked for.

    Raises:
        RunError: it is not there or damaged, or a plugin that it was made with is missing.
    """
    run = find_run(name, checkpoints_directory(checkpoints))
    check_plugins(run)
    return run, load_model(run).double().eval()


def in_lanes(tokens: Ids, steps: int, lanes: int) -> Tensor:
    """Cut contiguous parts of ``steps`` tokens off the start: ids ``[T, B]``, in at most so many lanes as there are."""
    lanes = min(lanes, len(tokens) // steps)
    return torch.from_numpy(tokens[: lanes * steps].astype("int64")).view(lanes, steps).T


def read_layers(model: LanguageModel, ids: Tensor, state: ModelState) -> tuple[list[Layer], ModelState]:
    """Let a model read ids ``[T, B]`` from a state: each layer at work, and the state after it."""
    layers: list[Layer] = []
    with ExitStack() as hooks, torch.no_grad():
        for each in model.cells:
            hook = each.register_forward_pre_hook(lambda cell, given: layers.append(Layer(cell, *given)))
            hooks.callback(hook.remove)
        _, after = model.features(ids, state)
    return layers, after
