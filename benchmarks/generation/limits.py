"""What the machine allows: reading the weights once a character, and multiplying with them.

Each is measured by two libraries; the faster one counts.
"""

from __future__ import annotations

from benchmarks.generation.loops import Run
from benchmarks.generation.shape import Shape

_ROW = 1024


def read_numpy(shape: Shape) -> Run:
    """Read as many bytes as the weights have, by OpenBLAS's product with a vector."""
    import numpy as np

    matrix = np.ones((max(1, shape.weights // _ROW), _ROW), np.float32)
    vector, result = np.ones(_ROW, np.float32), np.empty(len(matrix), np.float32)

    def run(steps: int) -> None:
        for _ in range(steps):
            np.dot(matrix, vector, out=result)

    return run


def read_torch(shape: Shape) -> Run:
    """Read as many, by torch's sum."""
    import torch

    values = torch.ones(shape.weights)

    def run(steps: int) -> None:
        for _ in range(steps):
            values.sum()

    return run


def multiply_numpy(shape: Shape) -> Run:
    """Multiply what all texts multiply in a step, in products of one layer's size, by OpenBLAS."""
    import numpy as np

    features = np.ones((shape.lanes, shape.hidden), np.float32)
    weight = np.ones((4 * shape.hidden, shape.hidden), np.float32).T
    result = np.empty((shape.lanes, 4 * shape.hidden), np.float32)

    def run(steps: int) -> None:
        for _ in range(steps * (2 * shape.layers - 1)):
            np.dot(features, weight, out=result)

    return run


def multiply_torch(shape: Shape) -> Run:
    """Multiply the same, by torch."""
    import torch

    features, weight = torch.ones(shape.lanes, shape.hidden), torch.ones(4 * shape.hidden, shape.hidden).T
    result = torch.empty(shape.lanes, 4 * shape.hidden)

    def run(steps: int) -> None:
        for _ in range(steps * (2 * shape.layers - 1)):
            torch.mm(features, weight, out=result)

    return run
