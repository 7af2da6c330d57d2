"""What is traced: a cell's weights, its inputs and the state before the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.errors import UsageError, near_names
from charrnn_inspect.trace import ACTIVATIONS, PARTS, Array


@dataclass(frozen=True)
class Example:
    """A cell that is to be traced.

    Attributes:
        cell: ``rnn``, ``gru`` or ``lstm``.
        activation: of the plain network.
        weights: by their names in the formulas.
        start: ``h_0``, and ``c_0`` of an LSTM.
        labels: what each input is called.
        inputs: ``[T, I]``.
    """

    cell: str
    activation: str
    weights: dict[str, Array]
    start: tuple[Array, ...]
    labels: list[str]
    inputs: Array


def of_text(text: str, cell: str, hidden: int, seed: int, activation: str | None) -> Example:
    """Take a new cell, and the characters of a text, each one-hot.

    Raises:
        UsageError: the cell is none of the three, the text is empty, or the activation is not the cell's.
    """
    check_cell(cell, activation)
    if not text:
        raise UsageError("TEXT is empty; give some characters, such as hello")
    alphabet = sorted(set(text))
    inputs = np.array([[float(each == character) for each in alphabet] for character in text])
    weights = fresh_weights(cell, len(alphabet), hidden, seed)
    start = tuple(np.zeros(hidden) for _ in state_names(cell))
    return Example(cell, activation or "tanh", weights, start, [repr(each) for each in text], inputs)


def fresh_weights(cell: str, input_size: int, hidden: int, seed: int) -> dict[str, Array]:
    """Return the weights of a new built-in cell, by their names in the formulas.

    torch keeps each bias in two parts, which are added up but for that inside the reset gate of a GRU.
    """
    import torch

    from charrnn.plugins import plugins

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = plugins().cells[cell].load()(input_size, hidden)
    arrays = [each.detach().double().numpy() for each in made.kernel.all_weights[0]]
    found: dict[str, Array] = {}
    for part, w_x, w_h, b, d in zip(PARTS[cell], *(np.split(each, len(PARTS[cell])) for each in arrays), strict=True):
        apart = (cell, part) == ("gru", "n")
        found |= {f"W_x{part}": w_x, f"W_h{part}": w_h, f"b_{part}": b if apart else b + d}
        if apart:
            found["d_n"] = d
    return found


def check_cell(cell: Any, activation: Any) -> None:
    """Raise a UsageError where the cell is none of the three, or the activation is none, or not the cell's."""
    if str(cell) not in PARTS:
        raise UsageError(f"no cell '{cell}' can be traced: {near_names(str(cell), PARTS)}")
    if activation is not None and str(activation) not in ACTIVATIONS:
        raise UsageError(f"no activation is called '{activation}': {near_names(str(activation), ACTIVATIONS)}")
    if activation is not None and cell != "rnn":
        raise UsageError(f"activation {activation} is of rnn; {cell} has its own")


def state_names(cell: str) -> list[str]:
    """Name what a cell carries, before the first step."""
    return ["h_0", "c_0"] if cell == "lstm" else ["h_0"]
