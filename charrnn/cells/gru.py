"""Gated recurrent unit."""

from __future__ import annotations

from torch import Tensor, nn

from charrnn.cells.base import State
from charrnn.cells.fused import FusedCell


class GRU(FusedCell):
    r"""Gated recurrent unit (Cho et al. 2014), reset after the product as cuDNN has it.

    With ``σ`` the logistic function and ``*`` element-wise::

        r_t = σ(W_r x_t + U_r h_{t-1} + b_r)                      reset gate
        z_t = σ(W_z x_t + U_z h_{t-1} + b_z)                      update gate
        n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + d_n))     candidate
        h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    The state is ``(h,)``.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(nn.GRU(input_size, hidden_size))

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 3H]`` and ``(h,)``."""
        (hidden,) = state
        reset, update, candidate = projected.chunk(3, dim=-1)
        reset_h, update_h, candidate_h = self.recur(hidden).chunk(3, dim=-1)
        candidate = (candidate + (reset + reset_h).sigmoid() * candidate_h).tanh()
        hidden = candidate + (update + update_h).sigmoid() * (hidden - candidate)
        return hidden, (hidden,)

    def gates(self, projected: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the gates are in :meth:`step`, by name, each ``[B, H]`` between 0 and 1."""
        reset, update, _ = (projected + self.recur(state[0])).sigmoid().chunk(3, dim=-1)
        return {"reset": reset, "update": update}

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` through torch's kernel, or through the engine where that is the faster one."""
        if self.kernel_is_slower(inputs):
            return super().forward(inputs, state)
        return self.run_kernel(inputs, state)
