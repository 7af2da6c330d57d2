"""Multiplicative long short-term memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from charrnn import Cell, State
from charrnn_research_cells.initialization import reset_parameters


class MultiplicativeLSTM(Cell):
    r"""mLSTM (Krause et al. 2016, "Multiplicative LSTM for sequence modelling", equations 18 to 22).

    An LSTM whose gates see ``m`` in the place of ``h``: the input chooses how the state is read. With ``σ`` the
    logistic function and ``*`` element-wise::

        m_t = (W_mx x_t) * (W_mh h_{t-1})
        i_t = σ(W_ix x_t + W_im m_t + b_i)        input gate
        f_t = σ(W_fx x_t + W_fm m_t + b_f)        forget gate
        g_t = tanh(W_gx x_t + W_gm m_t + b_g)     candidate
        o_t = σ(W_ox x_t + W_om m_t + b_o)        output gate
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)

    The state is ``(h, c)``. The forget gate's bias starts at 1.
    """

    # m is the state as this input reads it: the matrices of the gates are as recurrent as W_mh.
    recurrent_weights = ("recur.weight", "mix.weight")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.read = nn.Linear(input_size, 5 * hidden_size, bias=False)  # m, i, f, g, o
        self.recur = nn.Linear(hidden_size, hidden_size, bias=False)  # m
        self.mix = nn.Linear(hidden_size, 4 * hidden_size)  # i, f, g, o, of m
        reset_parameters(self)
        with torch.no_grad():
            self.mix.bias[hidden_size : 2 * hidden_size] = 1.0

    def initial_state(self, batch_size: int) -> State:
        """Return zeros for ``h`` and ``c``, each ``[B, H]``."""
        return self._zeros(batch_size), self._zeros(batch_size)

    def project(self, inputs: Tensor) -> Tensor:
        """All products with ``x``, for all steps: ``[T, B, I] -> [T, B, 5H]``."""
        projected: Tensor = self.read(inputs)
        return projected

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 5H]`` and ``(h, c)``."""
        hidden, memory = state
        into, forget, candidate, out = self._sums(projected, hidden).chunk(4, dim=-1)
        memory = forget.sigmoid() * memory + into.sigmoid() * candidate.tanh()
        hidden = out.sigmoid() * memory.tanh()
        return hidden, (hidden, memory)

    def gates(self, projected: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the gates are in :meth:`step`, by name, each ``[B, H]`` between 0 and 1."""
        into, forget, _, out = self._sums(projected, state[0]).sigmoid().chunk(4, dim=-1)
        return {"input": into, "forget": forget, "output": out}

    def _sums(self, projected: Tensor, hidden: Tensor) -> Tensor:
        """Compute what stands inside the gates and the candidate: ``[B, 5H]`` and ``[B, H]`` to ``[B, 4H]``."""
        transition, read = projected[:, : self.hidden_size], projected[:, self.hidden_size :]
        return read + self.mix(transition * self.recur(hidden))  # type: ignore[no-any-return]
