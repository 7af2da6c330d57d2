"""Minimal long short-term memory."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from charrnn_fast_cells.candidate import Candidate, activate
from charrnn_fast_cells.linear import LinearCell


class MinLSTM(LinearCell):
    r"""minLSTM (Feng et al. 2024, "Were RNNs All We Needed?", section 3.2): an LSTM whose gates do not see the state.

    It has no output gate, and its two gates are made to sum to 1. With ``σ`` the logistic function and ``*``
    element-wise::

        f_t = σ(W_f x_t + b_f)                  forget gate
        i_t = σ(W_i x_t + b_i)                  input gate
        n_t = W_h x_t + b_h                     candidate
        h_t = f_t / (f_t + i_t) * h_{t-1} + i_t / (f_t + i_t) * n_t

    The state is ``(h,)``.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        candidate: ``linear``, or ``positive`` for ``n_t = g(W_h x_t + b_h)``, as in the paper's log-space form.
    """

    def __init__(self, input_size: int, hidden_size: int, candidate: Candidate = "linear") -> None:
        super().__init__(input_size, hidden_size)
        self.candidate = candidate
        self.read = nn.Linear(input_size, 3 * hidden_size)

    def terms(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Compute ``f / (f + i)`` and ``i / (f + i) * n``: ``[T, B, I]`` to two of ``[T, B, H]``."""
        forget, into, candidate = self.read(inputs).chunk(3, dim=-1)
        # i / (f + i) = σ(log i - log f), which is no 0 / 0 where both gates are shut.
        into = (logsigmoid(into) - logsigmoid(forget)).sigmoid()
        return 1 - into, into * activate(self.candidate, candidate)
