"""The article's long short-term memory."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from charrnn import Cell, State
from charrnn.errors import UsageError
from charrnn_article_cells.form import Form
from charrnn_article_cells.initialization import reset_parameters


class ArticleLSTM(Cell):
    r"""The article's long short-term memory.

    With ``σ`` the logistic function, ``[a, b]`` the concatenation and ``*`` element-wise, its equations are::

        i_t  = σ(W_ih [h_{t-1}, x_t] + b_i)     input gate
        f_t  = σ(W_fh [h_{t-1}, x_t] + b_f)     forget gate
        c~_t = σ(W_ch [h_{t-1}, x_t] + b_c)     candidate
        c_t  = f_t * c_{t-1} + i_t * c~_t
        o_t  = σ(W_oh [h_{t-1}, c_t] + b_o)     output gate: sees the new memory, not the input
        h_t  = o_t * σ(c_t)

    and its pseudocode, in which three gates and the candidate share one pair of matrices::

        a_t = W_hh h_{t-1} + W_xh x_t
        i_t = f_t = o_t = σ(a_t)
        c_t = f_t * c_{t-1} + i_t * tanh(a_t)
        h_t = o_t * tanh(c_t)

    Each ``W [h, x]`` is kept as the part that reads ``h`` and the part that reads ``x``, so that the second is done for
    all steps at once. The state is ``(h, c)``.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        form: the equations, or the pseudocode.
        squash: what squashes the candidate and the memory in the equations: ``σ`` where it is not given. The pseudocode
            leaves no choice.

    Raises:
        UsageError: ``squash`` is given for the pseudocode.
    """

    recurrent_weights = ("recur.weight",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        form: Form = "equations",
        squash: Literal["sigmoid", "tanh"] | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.form = form
        if form == "pseudocode":
            if squash is not None:
                raise UsageError(f"squash={squash} of article-lstm: form=pseudocode has tanh only; leave squash out")
            self.read = nn.Linear(input_size, hidden_size, bias=False)
            self.recur = nn.Linear(hidden_size, hidden_size, bias=False)
        else:
            self.squash = getattr(torch, squash or "sigmoid")
            self.read = nn.Linear(input_size, 3 * hidden_size)  # i, f, c~
            self.recur = nn.Linear(hidden_size, 4 * hidden_size, bias=False)  # i, f, c~, o
            self.peephole = nn.Linear(hidden_size, hidden_size)  # o
        reset_parameters(self)

    def initial_state(self, batch_size: int) -> State:
        """Return zeros for ``h`` and ``c``, each ``[B, H]``."""
        return self._zeros(batch_size), self._zeros(batch_size)

    def project(self, inputs: Tensor) -> Tensor:
        """The parts that read ``x``, for all steps: ``[T, B, I] -> [T, B, 3H]``; for the pseudocode ``[T, B, H]``."""
        projected: Tensor = self.read(inputs)
        return projected

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Apply the equations above to ``[B, 3H]`` and ``(h, c)``, or the pseudocode to ``[B, H]``."""
        return self._pseudocode(projected, state) if self.form == "pseudocode" else self._equations(projected, state)

    def _equations(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, memory = state
        recurred, out = self.recur(hidden).split([3 * self.hidden_size, self.hidden_size], dim=-1)
        into, forget, candidate = (projected + recurred).chunk(3, dim=-1)
        memory = forget.sigmoid() * memory + into.sigmoid() * self.squash(candidate)
        hidden = (out + self.peephole(memory)).sigmoid() * self.squash(memory)
        return hidden, (hidden, memory)

    def _pseudocode(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, memory = state
        mixed = projected + self.recur(hidden)
        gate = mixed.sigmoid()
        memory = gate * (memory + mixed.tanh())
        hidden = gate * memory.tanh()
        return hidden, (hidden, memory)
