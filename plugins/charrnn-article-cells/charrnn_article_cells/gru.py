"""The article's gated recurrent unit."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from charrnn import Cell, State
from charrnn_article_cells.form import Form
from charrnn_article_cells.initialization import reset_parameters


class ArticleGRU(Cell):
    r"""The article's gated recurrent unit.

    With ``σ`` the logistic function, ``[a, b]`` the concatenation and ``*`` element-wise, its equations are::

        z_t  = σ(W_zh [h_{t-1}, x_t] + b_z)             update gate
        r_t  = σ(W_rh [h_{t-1}, x_t] + b_r)             reset gate
        c~_t = tanh(W_ch [r_t * h_{t-1}, x_t] + b_c)    candidate
        c_t  = z_t * c_{t-1} + (1 - z_t) * c~_t
        h_t  = tanh(c_t) * σ(W_oh [h_{t-1}, c_t] + b_o)

    with the state ``(h, c)``, and its pseudocode, in which both gates and the candidate share one pair of matrices::

        a_t = W_hh h_{t-1} + W_xh x_t
        r_t = z_t = σ(a_t)
        n_t = tanh(r_t * h_{t-1} + (1 - r_t) * tanh(a_t))
        h_t = z_t * h_{t-1} + (1 - z_t) * n_t

    with the state ``(h,)``. Each ``W [h, x]`` is kept as the part that reads ``h`` and the part that reads ``x``, so
    that the second is done for all steps at once.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        form: the equations, or the pseudocode.
    """

    recurrent_weights = ("recur.weight",)

    def __init__(self, input_size: int, hidden_size: int, form: Form = "equations") -> None:
        super().__init__(input_size, hidden_size)
        self.form = form
        if form == "pseudocode":
            self.read = nn.Linear(input_size, hidden_size, bias=False)
            self.recur = nn.Linear(hidden_size, hidden_size, bias=False)
        else:
            self.read = nn.Linear(input_size, 3 * hidden_size)  # z, r, c~
            self.recur = nn.Linear(hidden_size, 4 * hidden_size, bias=False)  # z, r, o, which read h; c~, r * h
            self.peephole = nn.Linear(hidden_size, hidden_size)  # o
        reset_parameters(self)

    def initial_state(self, batch_size: int) -> State:
        """Return zeros for ``h`` and ``c``, each ``[B, H]``; for the pseudocode, for ``h`` alone."""
        hidden = self._zeros(batch_size)
        return (hidden,) if self.form == "pseudocode" else (hidden, self._zeros(batch_size))

    def project(self, inputs: Tensor) -> Tensor:
        """The parts that read ``x``, for all steps: ``[T, B, I] -> [T, B, 3H]``; for the pseudocode ``[T, B, H]``."""
        projected: Tensor = self.read(inputs)
        return projected

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 3H]`` and ``(h, c)``, or the pseudocode to ``[B, H]`` and ``(h,)``."""
        return self._pseudocode(projected, state) if self.form == "pseudocode" else self._equations(projected, state)

    def _equations(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, memory = state
        weight, split = self.recur.weight, 3 * self.hidden_size
        update, reset, candidate = projected.chunk(3, dim=-1)
        update_h, reset_h, out = functional.linear(hidden, weight[:split]).chunk(3, dim=-1)
        update, reset = (update + update_h).sigmoid(), (reset + reset_h).sigmoid()
        candidate = (candidate + functional.linear(reset * hidden, weight[split:])).tanh()
        memory = update * memory + (1 - update) * candidate
        hidden = memory.tanh() * (out + self.peephole(memory)).sigmoid()
        return hidden, (hidden, memory)

    def _pseudocode(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        (hidden,) = state
        mixed = projected + self.recur(hidden)
        gate = mixed.sigmoid()
        candidate = (gate * hidden + (1 - gate) * mixed.tanh()).tanh()
        hidden = gate * hidden + (1 - gate) * candidate
        return hidden, (hidden,)
