"""Long short-term memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from charrnn.cells.base import State
from charrnn.cells.fused import FusedCell


class LSTM(FusedCell):
    r"""Long short-term memory (Hochreiter and Schmidhuber 1997) with forget gates (Gers et al. 2000).

    With ``σ`` the logistic function and ``*`` element-wise::

        i_t = σ(W_i x_t + U_i h_{t-1} + b_i)        input gate
        f_t = σ(W_f x_t + U_f h_{t-1} + b_f)        forget gate
        g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)     candidate
        o_t = σ(W_o x_t + U_o h_{t-1} + b_o)        output gate
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)

    The state is ``(h, c)``. The forget gate's bias starts at 1 (Jozefowicz et al. 2015, section 2.2), so that a new
    network remembers. Whole sequences run in torch's fused kernel, which keeps each bias in two parts.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(nn.LSTM(input_size, hidden_size))
        _, _, bias, recurrent_bias = self.kernel.all_weights[0]
        with torch.no_grad():
            bias[hidden_size : 2 * hidden_size] = 1.0
            recurrent_bias[hidden_size : 2 * hidden_size] = 0.0

    def initial_state(self, batch_size: int) -> State:
        """Return zeros for ``h`` and ``c``, each ``[B, H]``."""
        return self._zeros(batch_size), self._zeros(batch_size)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 4H]`` and ``(h, c)``."""
        hidden, memory = state
        into, forget, candidate, out = (projected + self.recur(hidden)).chunk(4, dim=-1)
        memory = forget.sigmoid() * memory + into.sigmoid() * candidate.tanh()
        hidden = out.sigmoid() * memory.tanh()
        return hidden, (hidden, memory)

    def gates(self, projected: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the gates are in :meth:`step`, by name, each ``[B, H]`` between 0 and 1."""
        into, forget, _, out = (projected + self.recur(state[0])).sigmoid().chunk(4, dim=-1)
        return {"input": into, "forget": forget, "output": out}

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run ``[T, B, I]`` through the fused kernel."""
        return self.run_kernel(inputs, state)
