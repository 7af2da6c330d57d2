"""Long short-term memory with layer normalization."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from charrnn import Cell, State
from charrnn_research_cells.initialization import reset_parameters


class LayerNormLSTM(Cell):
    r"""LSTM with layer normalization (Ba et al. 2016, "Layer Normalization", supplement, equations 29 to 31).

    With ``σ`` the logistic function, ``*`` element-wise and ``LN(z; α, β) = α * (z - mean z) / std z + β``, over all
    features of ``z``::

        f_t, i_t, o_t, g_t = LN(W_h h_{t-1}; α_1, β_1) + LN(W_x x_t; α_2, β_2) + b
        c_t = σ(f_t) * c_{t-1} + σ(i_t) * tanh(g_t)
        h_t = σ(o_t) * tanh(LN(c_t; α_3, β_3))

    The first two normalizations are over the ``4H`` features of all gates together. Gains start at 1 and biases at 0,
    but for the forget gate's part of ``b``, which starts at 1. The state is ``(h, c)``.
    """

    recurrent_weights = ("recur.weight",)

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        gates = 4 * hidden_size  # f, i, o, g
        self.read = nn.Linear(input_size, gates, bias=False)
        self.recur = nn.Linear(hidden_size, gates, bias=False)
        reset_parameters(self)
        self.norm_recur = nn.LayerNorm(gates)
        self.norm_read = nn.LayerNorm(gates)
        self.norm_memory = nn.LayerNorm(hidden_size)
        self.bias = nn.Parameter(torch.zeros(gates))
        with torch.no_grad():
            self.bias[:hidden_size] = 1.0

    def initial_state(self, batch_size: int) -> State:
        """Return zeros for ``h`` and ``c``, each ``[B, H]``."""
        return self._zeros(batch_size), self._zeros(batch_size)

    def project(self, inputs: Tensor) -> Tensor:
        """``LN(W_x x) + b`` for all steps and all gates: ``[T, B, I] -> [T, B, 4H]``."""
        normalized: Tensor = self.norm_read(self.read(inputs))
        return normalized + self.bias

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 4H]`` and ``(h, c)``."""
        hidden, memory = state
        forget, into, out, candidate = (projected + self.norm_recur(self.recur(hidden))).chunk(4, dim=-1)
        memory = forget.sigmoid() * memory + into.sigmoid() * candidate.tanh()
        hidden = out.sigmoid() * self.norm_memory(memory).tanh()
        return hidden, (hidden, memory)

    def gates(self, projected: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the gates are in :meth:`step`, by name, each ``[B, H]`` between 0 and 1."""
        sums = projected + self.norm_recur(self.recur(state[0]))
        forget, into, out, _ = sums.sigmoid().chunk(4, dim=-1)
        return {"input": into, "forget": forget, "output": out}
