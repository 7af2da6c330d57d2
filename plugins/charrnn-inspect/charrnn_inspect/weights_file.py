"""A cell with its weights and inputs, as a person writes them into a JSON or TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from charrnn.errors import UsageError, near_names
from charrnn.strict_json import read_json
from charrnn.strict_toml import read_toml
from charrnn_inspect.example import Example, check_cell, state_names
from charrnn_inspect.trace import PARTS, Array

_OTHERS = ("cell", "activation", "inputs")


def read_example(path: Path, numbers: str | None) -> Example:
    """Read matrices and inputs, and where they are given ``cell``, ``activation``, biases and the first state.

    Args:
        path: of the file.
        numbers: inputs in the place of its own, such as ``1,2,3``. Each is fed to all input features.

    Raises:
        UsageError: it cannot be read, or what it says does not fit together.
    """
    content = _read(path)
    cell, activation = content.pop("cell", "rnn"), content.pop("activation", None)
    check_cell(cell, activation)
    inputs = _inputs(path, content.pop("inputs", None), numbers)
    shapes = _shapes(path, cell, content)
    arrays = {name: _array(path, name, content.get(name, np.zeros(shape)), shape) for name, shape in shapes.items()}
    start = tuple(arrays.pop(name) for name in state_names(cell))
    features = arrays[f"W_x{PARTS[cell][0]}"].shape[1]
    labels = [f"{each:g}" for each in inputs]
    return Example(cell, activation or "tanh", arrays, start, labels, np.tile(inputs[:, np.newaxis], features))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path) if path.suffix == ".json" else read_toml(path)
    except OSError as error:
        raise UsageError(f"--weights '{path}' cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--weights '{path}' is no TOML, nor JSON in a file named .json: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"--weights '{path}' should hold names and values, such as W_hh = [[0.1, 0.2], [0.3, 0.4]]")
    return content


def _inputs(path: Path, own: Any, numbers: str | None) -> Array:
    try:
        found = np.array(own if numbers is None else numbers.replace(",", " ").split(), dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"inputs should be numbers, such as 1,2,3,4, not '{str(numbers or own)[:60]}'") from None
    if own is numbers is None or found.ndim != 1 or not len(found):
        raise UsageError(f"'{path}' lacks inputs = [1, 2, 3]; write them there, or give them as an argument: 1,2,3")
    return _finite(path, "inputs", found)


def _shapes(path: Path, cell: str, content: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array of a cell, by the sizes of its first two matrices."""
    parts = PARTS[cell]
    matrices = [f"W_{source}{part}" for part in parts for source in "xh"]
    vectors = [f"b_{part}" for part in parts] + ["d_n"] * (cell == "gru") + state_names(cell)
    for name in content:
        if name not in (*matrices, *vectors):
            raise UsageError(f"'{path}' has '{name}': {near_names(name, [*matrices, *vectors, *_OTHERS])}")
    for name in matrices:
        if name not in content:
            raise UsageError(f"'{path}' lacks {name}, which {cell} needs: a list of rows")
    read, recur = (_array(path, name, content[name]) for name in matrices[:2])
    hidden, features = len(recur), read.shape[1]
    shapes: dict[str, tuple[int, ...]] = {
        name: (hidden, features if name.startswith("W_x") else hidden) for name in matrices
    }
    return shapes | dict.fromkeys(vectors, (hidden,))


def _array(path: Path, name: str, values: Any, shape: tuple[int, ...] | None = None) -> Array:
    """Read numbers: of a shape, or else a matrix of any."""
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"'{path}': {name} should be numbers, in rows of one length, not {str(values)[:60]}") from None
    if (found.shape != shape) if shape else (found.ndim != 2 or not found.size):
        wanted = _by(shape) if shape else "a list of rows"
        raise UsageError(f"'{path}': {name} is {_by(found.shape)}, and should be {wanted}")
    return _finite(path, name, found)


def _finite(path: Path, name: str, found: Array) -> Array:
    others = found[~np.isfinite(found)]
    if others.size:
        raise UsageError(f"'{path}': {name} should be finite numbers, not {others[0]:g}")
    return found


def _by(shape: tuple[int, ...]) -> str:
    return " by ".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} numbers" if shape else "a single number"
