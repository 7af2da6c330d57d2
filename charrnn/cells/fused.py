"""What the cells share that run in torch's kernels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.cells.base import Cell, State

#: cuDNN 9.13, as it writes its version.
_BFLOAT16_SINCE = 91300


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

    def run_kernel(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` through torch's kernel."""
        mixed = inputs.is_cuda and torch.is_autocast_enabled("cuda")
        run = _run_mixed if mixed else _run
        outputs, last = run(self.kernel, inputs, tuple(leaf.unsqueeze(0) for leaf in state))
        return outputs, tuple(leaf.squeeze(0) for leaf in last)

    @staticmethod
    def kernel_is_slower(inputs: Tensor) -> bool:
        """Tell whether the engine beats torch's kernel, where that is itself a loop of single steps.

        On a processor torch has a fused LSTM, but runs a GRU and a plain network step by step under autograd: training
        through the engine is 1.1 to 1.5 times as fast (docs/benchmarks.md). Without gradients there is little between
        the two.
        """
        return inputs.device.type == "cpu" and torch.is_grad_enabled()


def _run(kernel: nn.RNNBase, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    outputs, last = kernel(inputs, state if len(state) > 1 else state[0])
    return outputs, last if len(state) > 1 else (last,)


def _run_mixed(kernel: nn.RNNBase, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Run a kernel on a GPU under mixed precision.

    torch would have it compute in float16, whatever was asked for, and there what is small in a gradient is 0. Here it
    computes in what was asked for, or in the weights' own type where cuDNN has no other.
    """
    weights: list[Any] = kernel.all_weights[0]
    version = torch.backends.cudnn.version() or 0  # type: ignore[no-untyped-call]  # torch has no types for it
    kind = torch.get_autocast_dtype("cuda") if version >= _BFLOAT16_SINCE else weights[0].dtype
    with torch.autocast("cuda", enabled=False):
        # cuDNN wants the weights one after the other, and would put them so at each call.
        row = torch.cat([each.flatten() for each in weights]).to(kind)
        parts = torch.split(row, [each.numel() for each in weights])
        leaves = [leaf.to(kind) for leaf in state]
        function: Any = getattr(torch, kernel.mode.lower())
        outputs, *last = function(
            inputs.to(kind),
            leaves if len(leaves) > 1 else leaves[0],
            [part.view_as(each) for part, each in zip(parts, weights, strict=True)],
            *(True, 1, 0.0, kernel.training, False, False),  # biases, one layer, no dropout, one direction, time first
        )
    return outputs, tuple(last)
