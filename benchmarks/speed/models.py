"""One training step of a stack of cells, the same for all that are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn import Cell
from charrnn.recurrence import Compiler, compiling, step_by_step

VOCABULARY = 65
EMBEDDING = 64


@dataclass(frozen=True)
class Shape:
    """Layers, hidden features, steps, lanes."""

    layers: int
    hidden: int
    steps: int
    lanes: int

    def __str__(self) -> str:
        return f"{self.layers}x{self.hidden} T{self.steps} B{self.lanes}"

    @property
    def characters(self) -> int:
        """Characters of a chunk."""
        return self.steps * self.lanes


class Kernel(nn.Module):
    """A stack in one call of torch's."""

    def __init__(self, kind: type[nn.RNNBase], shape: Shape) -> None:
        super().__init__()
        self.kernel = kind(EMBEDDING, shape.hidden, shape.layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs of the last layer."""
        return self.kernel(features)[0]


class Stack(nn.Module):
    """A stack of cells of the contract."""

    def __init__(self, kind: Callable[[int, int], Cell], shape: Shape, run: Callable[..., Any] | None = None) -> None:
        super().__init__()
        sizes = [EMBEDDING] + [shape.hidden] * (shape.layers - 1)
        self.cells = nn.ModuleList(kind(size, shape.hidden) for size in sizes)
        self.run = run or (lambda cell, inputs, state: cell(inputs, state))

    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs of the last layer."""
        for cell in self.cells:
            features, _ = self.run(cell, features, cell.initial_state(features.shape[1]))
        return features


def plainly(cell: Cell, inputs: Tensor, state: Any) -> Any:
    """Run a cell as torch alone would: a loop under autograd."""
    return step_by_step(cell, cell.project(inputs), state)


class Training:
    """Training steps of one model on one chunk: embedding, cells, output layer, loss, clipping, AdamW."""

    def __init__(self, body: nn.Module, shape: Shape, compiler: Compiler | None = None, device: str = "cpu") -> None:
        self._body = body
        self._compiler = compiler
        self._embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self._output = nn.Linear(shape.hidden, VOCABULARY)
        self._model = nn.ModuleList([self._embedding, body, self._output]).to(device)
        self._optimizer = torch.optim.AdamW(self._model.parameters(), lr=1e-3, fused=True)
        generator = torch.Generator().manual_seed(0)
        self._ids = torch.randint(VOCABULARY, (shape.steps + 1, shape.lanes), generator=generator).to(device)

    def __call__(self) -> Tensor:
        """Take a step."""
        self._optimizer.zero_grad(set_to_none=True)
        with compiling(self._compiler):
            logits = self._output(self._body(self._embedding(self._ids[:-1])))
            loss = functional.cross_entropy(logits.flatten(0, 1), self._ids[1:].flatten())
            loss.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        return loss.detach()

    def products(self) -> int:
        """Return the operations a character of all matrix products: two forward, four backward, a parameter."""
        return 6 * sum(each.numel() for each in [*self._body.parameters(), self._output.weight] if each.dim() > 1)
