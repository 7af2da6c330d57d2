"""safetensors files: what is in them is known from their header, before any of it is in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charrnn.errors import RunError
from charrnn.runs.refusal import reason_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def read_shapes(path: Path) -> Shapes:
    """Return the shape of every tensor in a file, by its header alone.

    Raises:
        RunError: it is missing or damaged.
    """
    import safetensors

    with _damage_told(path), safetensors.safe_open(path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no dict


def count(shapes: Shapes) -> int:
    """Count the numbers of tensors."""
    return sum(map(math.prod, shapes.values()))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file for torch.

    Raises:
        RunError: it is missing or damaged.
    """
    with _damage_told(path):
        from safetensors.torch import load_file

        return load_file(path)


def read_arrays(path: Path) -> dict[str, NDArray[np.floating[Any]]]:
    """Read a file for NumPy, in single precision at least.

    Raises:
        RunError: it is missing or damaged.
    """
    import numpy as np

    with _damage_told(path):
        from safetensors.numpy import load_file

        arrays = load_file(path)
        wrong = [name for name, each in arrays.items() if each.dtype.kind != "f"]
        if wrong:
            raise RunError(f"{path} is damaged: {wrong[0][:60]!r} holds no real numbers")
    return {name: each.astype(np.promote_types(each.dtype, np.float32), copy=False) for name, each in arrays.items()}


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    import safetensors

    try:
        if path.exists() and not path.is_file():
            raise RunError(f"{path} is damaged: it is no regular file")
        yield
    except (OSError, KeyError, TypeError, ValueError, AttributeError, safetensors.SafetensorError) as error:
        raise RunError(f"{path} is damaged: {reason_of(error)}") from error
