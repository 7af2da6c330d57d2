"""Simple recurrent unit."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from charrnn import Cell, QuickProducts, State, linear_scan


class SRU(Cell):
    r"""Simple recurrent unit (Lei et al. 2018, "Simple Recurrent Units for Highly Parallelizable Recurrence").

    With ``σ`` the logistic function and ``*`` element-wise::

        f_t = σ(W_f x_t + v_f * c_{t-1} + b_f)          forget gate
        r_t = σ(W_r x_t + v_r * c_{t-1} + b_r)          reset gate
        c_t = f_t * c_{t-1} + (1 - f_t) * (W x_t)
        h_t = r_t * c_t + (1 - r_t) * α s_t             highway

    The highway's ``s_t`` is ``x_t`` itself where ``I = H``, and ``W_s x_t`` elsewhere. The constant
    ``α = sqrt(1 + 2 exp(b))``, with ``b`` where ``b_r`` starts, keeps the variance of a new network's layers alike.
    The state is ``(c,)``.

    Without peepholes ``v_f = v_r = 0``, as in the paper's first version ("Training RNNs as Fast as CNNs", 2017): no
    gate sees the state, and a whole sequence is one linear recurrence. With them it is none, and the engine runs the
    steps one after the other, with no more than element-wise work in each.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        peephole: whether the gates see ``c_{t-1}``, through ``v_f`` and ``v_r``.
        highway_bias: ``b``; below 0, a new network passes on more of its input.
    """

    def __init__(self, input_size: int, hidden_size: int, peephole: bool = False, highway_bias: float = 0.0) -> None:
        super().__init__(input_size, hidden_size)
        self.scale = math.sqrt(1 + 2 * math.exp(highway_bias))
        # W, W_f, W_r, and W_s where there is one.
        products = 3 if input_size == hidden_size else 4
        self.weight = nn.Parameter(torch.empty(products * hidden_size, input_size))
        self.bias = nn.Parameter(torch.zeros(2, hidden_size))
        self.peephole = nn.Parameter(torch.empty(2, hidden_size)) if peephole else None
        with torch.no_grad():
            # Mean 0 and variance 1 / I (the paper, "Initialization").
            self.weight.uniform_(-math.sqrt(3 / input_size), math.sqrt(3 / input_size))
            self.bias[1] = highway_bias
            if self.peephole is not None:
                # A gate is now a sum of two, of half the variance each, as in the authors' program.
                self.weight[hidden_size : 3 * hidden_size] *= math.sqrt(1 / 2)
                self.peephole.uniform_(-math.sqrt(3 / 2), math.sqrt(3 / 2))

    def products(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Compute ``W x``, ``W_f x + b_f``, ``W_r x + b_r`` and ``α s``: ``[T, B, I]`` to four of ``[T, B, H]``."""
        products = nn.functional.linear(inputs, self.weight)
        candidate, forget, reset, *skip = products.chunk(len(self.weight) // self.hidden_size, dim=-1)
        return candidate, forget + self.bias[0], reset + self.bias[1], self.scale * (skip[0] if skip else inputs)

    def project(self, inputs: Tensor) -> Tensor:
        """Compute all products with the inputs, side by side: ``[T, B, I] -> [T, B, 4H]``."""
        return torch.cat(self.products(inputs), dim=-1)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 4H]`` and ``(c,)``."""
        (memory,) = state
        candidate, _, _, skip = projected.chunk(4, dim=-1)
        forget, reset = self.gates(projected, state).values()
        memory = forget * memory + (1 - forget) * candidate
        return reset * memory + (1 - reset) * skip, (memory,)

    def gates(self, projected: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the gates are in :meth:`step`, by name, each ``[B, H]`` between 0 and 1."""
        (memory,) = state
        _, forget, reset, _ = projected.chunk(4, dim=-1)
        if self.peephole is not None:
            forget = forget + self.peephole[0] * memory
            reset = reset + self.peephole[1] * memory
        return {"forget": forget.sigmoid(), "reset": reset.sigmoid()}

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` as one linear recurrence, or step by step where the gates see the state."""
        if self.peephole is not None:
            return super().forward(inputs, state)
        (memory,) = state
        with QuickProducts():
            candidate, forget, reset, skip = self.products(inputs)
        forget, reset = forget.sigmoid(), reset.sigmoid()
        memories = linear_scan(forget, (1 - forget) * candidate, memory)
        return reset * memories + (1 - reset) * skip, (memories[-1],)
