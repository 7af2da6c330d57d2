"""Minimal gated unit."""

from __future__ import annotations

from torch import Tensor, nn

from charrnn import Cell, State
from charrnn_research_cells.initialization import reset_parameters


class MinimalGatedUnit(Cell):
    r"""Minimal gated unit (Zhou et al. 2016, "Minimal gated unit for recurrent neural networks").

    A GRU whose one gate both resets and updates. With ``σ`` the logistic function and ``*`` element-wise::

        f_t = σ(W_f x_t + U_f h_{t-1} + b_f)                forget gate
        n_t = tanh(W_h x_t + U_h (f_t * h_{t-1}) + b_h)     candidate
        h_t = (1 - f_t) * h_{t-1} + f_t * n_t

    The state is ``(h,)``.
    """

    recurrent_weights = ("forget.weight", "candidate.weight")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.read = nn.Linear(input_size, 2 * hidden_size)  # f, n
        self.forget = nn.Linear(hidden_size, hidden_size, bias=False)
        self.candidate = nn.Linear(hidden_size, hidden_size, bias=False)
        reset_parameters(self)

    def project(self, inputs: Tensor) -> Tensor:
        """``W x + b`` for all steps, gate and candidate: ``[T, B, I] -> [T, B, 2H]``."""
        projected: Tensor = self.read(inputs)
        return projected

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 2H]`` and ``(h,)``."""
        (hidden,) = state
        _, candidate = projected.chunk(2, dim=-1)
        forget = self.gates(projected, state)["forget"]
        candidate = (candidate + self.candidate(forget * hidden)).tanh()
        hidden = (1 - forget) * hidden + forget * candidate
        return hidden, (hidden,)

    def gates(self, projected: Tensor, state: State) -> dict[str, Tensor]:
        """Return what the gates are in :meth:`step`, by name, each ``[B, H]`` between 0 and 1."""
        forget, _ = projected.chunk(2, dim=-1)
        return {"forget": (forget + self.forget(state[0])).sigmoid()}
