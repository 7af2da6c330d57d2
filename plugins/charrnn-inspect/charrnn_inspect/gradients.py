r"""How the gradient's norm falls, or grows, with distance in time.

A small change of the state at ``T - k`` reaches the output at ``T`` through a product of ``k`` Jacobians, whose norm
falls or grows exponentially in ``k`` (Bengio et al. 1994, Pascanu et al. 2013, section 2). Here that product is seen
by a random direction ``v`` of norm 1: ``|v · ∂h_T/∂s_{T-k}|``, with ``h_T`` the output, and ``s`` all that a cell
carries: the memory of an LSTM too. At ``k = 0`` it is ``|v| = 1``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from charrnn import Cell, State
from charrnn.errors import UsageError
from charrnn.model import LanguageModel
from charrnn.plugins import plugins
from charrnn.tokenizers.base import Ids
from charrnn_inspect.reading import in_lanes, read_layers

#: Sequences side by side, and moments in each, over which norms are averaged.
LANES = 8
ENDS = 4


@dataclass(frozen=True)
class Curve:
    """The mean norm at each distance.

    Attributes:
        name: of the layer or cell.
        norms: at distances 0, 1, 2 and so on; the first is 1.
    """

    name: str
    norms: list[float]


def of_layers(model: LanguageModel, tokens: Ids, distance: int, seed: int) -> list[Curve]:
    """Measure each layer of a model by itself on a text.

    Raises:
        UsageError: the text is too short for the distance.
    """
    steps = _steps_needed(distance)
    if len(tokens) < steps:
        longest = len(tokens) // _steps_needed(1)
        raise UsageError(
            f"--distance {distance} needs {steps} tokens of text, and {len(tokens)} were held back; "
            + (f"give --distance {longest} or less" if longest else "name another run")
        )
    ids = in_lanes(tokens, steps, LANES)
    layers, _ = read_layers(model, ids, model.initial_state(ids.shape[1]))
    return [
        Curve(f"layer {number}", gradient_norms(layer.cell, layer.inputs, distance, seed))
        for number, layer in enumerate(layers, 1)
    ]


def _steps_needed(distance: int) -> int:
    """Return how long a lane is: once the distance to leave the initial state behind, then once for each end."""
    return (1 + ENDS) * distance


def of_fresh_cell(name: str, hidden: int, distance: int, seed: int) -> Curve:
    """Measure a cell as it is initialised, on as many inputs as it has features, drawn from N(0, 1).

    Raises:
        UsageError: nobody registered the name.
        PluginError: a plugin's cell cannot be made.
    """
    entry = plugins().cells[name]
    kind = entry.load()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inputs = torch.randn(_steps_needed(distance), LANES, hidden, dtype=torch.float64)  # first: all cells read these
        with entry.blamed():
            cell = kind(hidden, hidden).double().eval().requires_grad_(False)
    with entry.blamed():
        return Curve(name, gradient_norms(cell, inputs, distance, seed))


def gradient_norms(cell: Cell, inputs: Tensor, distance: int, seed: int) -> list[float]:
    """Return the norm at each distance, averaged over lanes and over moments that lie ``distance`` steps apart.

    Args:
        cell: in double precision, its parameters without gradients.
        inputs: ``[T, B, I]``, read from the cell's initial state.
        distance: the largest; ``T`` is at least twice that.
        seed: of the directions, one for each lane and moment.
    """
    drawing = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        projected = cell.project(inputs)
        state = cell.initial_state(inputs.shape[1])
        for each in projected[:distance]:
            _, state = cell.step(each, state)
    found = []
    for begin in range(distance, len(projected) - distance + 1, distance):
        norms, state = _backward(cell, projected[begin : begin + distance], state, drawing)
        found.append(norms.mean(dim=1))
    return [1.0, *torch.stack(found).mean(dim=0).tolist()]


def _backward(cell: Cell, projected: Tensor, state: State, drawing: torch.Generator) -> tuple[Tensor, State]:
    """Return norms ``[K, B]`` at distances 1 to ``K`` before the last of ``K`` steps, and the state after it."""
    probes: list[State] = []
    for each in projected:
        # The gradient of a nought that is added to a leaf is that leaf's own: an LSTM's memory also acts by way of the
        # output that it was just made into, which is another leaf of the same state. Whole numbers have no gradient.
        noughts = [torch.zeros_like(leaf, requires_grad=_varies(leaf)) for leaf in state]
        probes.append(tuple(nought for nought in noughts if nought.requires_grad))
        output, state = cell.step(each, tuple(leaf + nought for leaf, nought in zip(state, noughts, strict=True)))
    if not output.requires_grad:  # a cell that looks at its inputs only
        return torch.zeros(projected.shape[:2], dtype=output.dtype), state
    direction = torch.randn(output.shape, generator=drawing, dtype=output.dtype)
    direction /= torch.linalg.vector_norm(direction, dim=1, keepdim=True)
    leaves = [probe for each in probes for probe in each]
    gradients = iter(torch.autograd.grad(output, leaves, direction, materialize_grads=True))
    norms = [
        torch.linalg.vector_norm(torch.cat([next(gradients).flatten(1) for _ in each], dim=1), dim=1) for each in probes
    ]
    return torch.stack(norms[::-1]), tuple(leaf.detach() for leaf in state)


def _varies(leaf: Tensor) -> bool:
    """Tell whether a leaf can change by a little."""
    return leaf.is_floating_point() or leaf.is_complex()
