"""Mogrifier long short-term memory."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from charrnn import Cell, State
from charrnn.errors import UsageError
from charrnn_research_cells.initialization import reset_parameters


class MogrifierLSTM(Cell):
    r"""Mogrifier LSTM (Melis et al. 2020, "Mogrifier LSTM", section 2).

    Before an ordinary LSTM sees them, the input and the state gate each other in turn. With ``σ`` the logistic
    function, ``*`` element-wise, ``x^{-1} = x_t`` and ``h^0 = h_{t-1}``, round ``i`` of ``rounds`` is::

        x^i = 2 σ(Q^i h^{i-1}) * x^{i-2}          for odd i
        h^i = 2 σ(R^i x^{i-1}) * h^{i-2}          for even i

    and with the last ``x^i`` and ``h^i`` for ``x`` and ``h``::

        i_t = σ(W_i x + U_i h + b_i)              input gate
        f_t = σ(W_f x + U_f h + b_f)              forget gate
        g_t = tanh(W_g x + U_g h + b_g)           candidate
        o_t = σ(W_o x + U_o h + b_o)              output gate
        c_t = f_t * c_{t-1} + i_t * g_t
        h_t = o_t * tanh(c_t)

    Where the state gates the input, no product with the input can be done ahead: ``project`` does nothing. The state is
    ``(h, c)``. The forget gate's bias starts at 1.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        rounds: how often one gates the other; 0 is an LSTM.
        rank: each ``Q [I, H]`` and ``R [H, I]`` is a product of two matrices, left by right, with so many columns and
            rows between them; 0 for full matrices.

    Raises:
        UsageError: ``rounds`` or ``rank`` is negative.
    """

    # The Q read the state too, but what they make is a gate of the input, and how many there are is an option.
    recurrent_weights = ("recur.weight",)

    def __init__(self, input_size: int, hidden_size: int, rounds: int = 5, rank: int = 0) -> None:
        super().__init__(input_size, hidden_size)
        if rounds < 0:
            raise UsageError(f"rounds={rounds} of mogrifier: choose 0 (an LSTM) or more")
        if rank < 0:
            raise UsageError(f"rank={rank} of mogrifier: choose 0 (full matrices) or more")
        sizes = [(hidden_size, input_size), (input_size, hidden_size)]  # of Q and R, what is read and what is gated
        self.rounds = nn.ModuleList(_matrix(*sizes[number % 2], rank) for number in range(rounds))
        self.read = nn.Linear(input_size, 4 * hidden_size)  # i, f, g, o
        self.recur = nn.Linear(hidden_size, 4 * hidden_size, bias=False)
        reset_parameters(self)
        with torch.no_grad():
            self.read.bias[hidden_size : 2 * hidden_size] = 1.0

    def initial_state(self, batch_size: int) -> State:
        """Return zeros for ``h`` and ``c``, each ``[B, H]``."""
        return self._zeros(batch_size), self._zeros(batch_size)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``x`` itself, ``[B, I]``, and ``(h, c)``."""
        hidden, memory = state
        into, forget, candidate, out = self._sums(projected, hidden).chunk(4, dim=-1)
        memory = forget.sigmoid() * memory + into.sigmoid() * candidate.tanh()
        hidden = out.sigmoid() * memory.tanh()
        return hidden, (hidden, memory)

    def gates(self, projected: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the gates are in :meth:`step`, by name, each ``[B, H]`` between 0 and 1."""
        into, forget, _, out = self._sums(projected, state[0]).sigmoid().chunk(4, dim=-1)
        return {"input": into, "forget": forget, "output": out}

    def _sums(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """Compute what stands inside the LSTM's gates and candidate: ``[B, I]`` and ``[B, H]`` to ``[B, 4H]``."""
        for number, matrix in enumerate(self.rounds, start=1):
            if number % 2:
                inputs = 2 * matrix(hidden).sigmoid() * inputs
            else:
                hidden = 2 * matrix(inputs).sigmoid() * hidden
        return self.read(inputs) + self.recur(hidden)  # type: ignore[no-any-return]


def _matrix(reads: int, gates: int, rank: int) -> nn.Module:
    if rank == 0:
        return nn.Linear(reads, gates, bias=False)
    return nn.Sequential(nn.Linear(reads, rank, bias=False), nn.Linear(rank, gates, bias=False))  # right, left
