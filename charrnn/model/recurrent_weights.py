"""The matrices that a model's cells multiply their hidden state by: their start, and dropping some of them.

A cell names them in ``recurrent_weights``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.cells.base import Cell
from charrnn.errors import PluginError, UsageError, near_names


def recurrent_weights(model: nn.Module) -> list[nn.Parameter]:
    """Return them, in the order of the layers, each once: a cell within a cell may name it, too.

    Raises:
        PluginError: a cell names what is none of its matrices.
    """
    cells = [module for module in model.modules() if isinstance(module, Cell)]
    found = [_matrix(cell, name) for cell in cells for name in cell.recurrent_weights]
    return list({id(weight): weight for weight in found}.values())


def _matrix(cell: Cell, name: str) -> nn.Parameter:
    parameters = dict(cell.named_parameters())
    if name not in parameters or parameters[name].dim() != 2:
        matrices = [each for each, parameter in parameters.items() if parameter.dim() == 2]
        raise PluginError(
            f"{type(cell).__name__} has '{name}' in recurrent_weights, which is none of its matrices: "
            f"{near_names(name, matrices)}"
        )
    return parameters[name]


def check_named(model: nn.Module, name: str, flag: str) -> None:
    """Refuse a setting that acts on recurrent weights where the cells of a model, called ``name``, name none.

    Raises:
        UsageError: they do not.
    """
    if not recurrent_weights(model):
        raise UsageError(f"{flag}: cell '{name}' does not say which its recurrent_weights are; leave it out")


def make_orthogonal(model: nn.Module) -> None:
    """Let each gate's square block start orthogonal: it neither stretches nor shrinks the state (Saxe et al. 2014)."""
    for weight in recurrent_weights(model):
        for block in torch.split(weight, weight.shape[-1]):
            nn.init.orthogonal_(block)


@contextmanager
def dropped(model: nn.Module, rate: float) -> Iterator[None]:
    """Set a share of the recurrent weights to 0, by one mask for a forward pass and its backward pass.

    DropConnect on the hidden-to-hidden matrices (Merity et al. 2018, section 2); the others grow by ``1 / (1 - rate)``.
    The weights are changed in place and put back, so that any kernel may read them.

    Args:
        model: in training.
        rate: 0 changes nothing.
    """
    if not rate:
        yield
        return
    with ExitStack() as restored:
        for weight in recurrent_weights(model):
            mask = functional.dropout(torch.ones_like(weight), rate)
            restored.callback(_fill, weight, weight.detach().clone())
            if weight.requires_grad:
                restored.callback(weight.register_hook(mask.mul).remove)  # type: ignore[no-untyped-call]
            _fill(weight, weight * mask)
        yield


def _fill(weight: Tensor, values: Tensor) -> None:
    with torch.no_grad():
        weight.copy_(values)
