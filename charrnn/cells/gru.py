"""Gated recurrent unit."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from charrnn.cells.base import Cell, State


class GRU(Cell):
    r"""Gated recurrent unit (Cho et al. 2014), reset after the product as cuDNN has it.

    With ``σ`` the logistic function and ``*`` element-wise::

        r_t = σ(W_r x_t + U_r h_{t-1} + b_r)                      reset gate
        z_t = σ(W_z x_t + U_z h_{t-1} + b_z)                      update gate
        n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + d_n))     candidate
        h_t = (1 - z_t) * n_t + z_t * h_{t-1}

    The state is ``(h,)``. Whole sequences run in torch's kernel, whose parameters these are.
    """

    recurrent_weights = ("kernel.weight_hh_l0",)

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.kernel = nn.GRU(input_size, hidden_size)

    def project(self, inputs: Tensor) -> Tensor:
        """Both gates' and the candidate's inputs: ``[T, B, I] -> [T, B, 3H]``."""
        return functional.linear(inputs, self.kernel.weight_ih_l0, self.kernel.bias_ih_l0)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 3H]`` and ``(h,)``."""
        (hidden,) = state
        recurrent = functional.linear(hidden, self.kernel.weight_hh_l0, self.kernel.bias_hh_l0)
        split = 2 * self.hidden_size
        reset, update = (projected[..., :split] + recurrent[..., :split]).sigmoid().chunk(2, dim=-1)
        candidate = (projected[..., split:] + reset * recurrent[..., split:]).tanh()
        hidden = candidate + update * (hidden - candidate)
        return hidden, (hidden,)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` through torch's kernel."""
        (hidden,) = state
        outputs, hidden = self.kernel(inputs, hidden.unsqueeze(0))
        return outputs, (hidden.squeeze(0),)
