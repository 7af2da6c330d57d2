"""What the cells share that run in torch's kernels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.cells.base import Cell


class FusedCell(Cell):
    """A cell whose whole-sequence form is one of torch's kernels, and whose parameters are that kernel's.

    Args:
        kernel: of one layer, with biases.
    """

    recurrent_weights = ("kernel.weight_hh_l0",)

    def __init__(self, kernel: nn.RNNBase) -> None:
        super().__init__(kernel.input_size, kernel.hidden_size)
        self.kernel = kernel

    def project(self, inputs: Tensor) -> Tensor:
        """``W x + b`` for all steps and all gates: ``[T, B, I] -> [T, B, G H]``, with ``G`` gates."""
        weight, _, bias, _ = self.kernel.all_weights[0]
        return functional.linear(inputs, weight, bias)

    def recur(self, hidden: Tensor) -> Tensor:
        """``U h + d`` for one step and all gates: ``[B, H] -> [B, G H]``."""
        _, weight, _, bias = self.kernel.all_weights[0]
        return functional.linear(hidden, weight, bias)

    @staticmethod
    def kernel_is_slower(inputs: Tensor) -> bool:
        """Tell whether the engine beats torch's kernel, where that is itself a loop of single steps.

        On a processor torch has a fused LSTM, but runs a GRU and a plain network step by step under autograd: training
        through the engine is 1.1 to 1.5 times as fast (docs/benchmarks.md). Without gradients there is little between
        the two.
        """
        return inputs.device.type == "cpu" and torch.is_grad_enabled()
