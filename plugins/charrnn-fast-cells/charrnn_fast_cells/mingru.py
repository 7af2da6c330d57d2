"""Minimal gated recurrent unit."""

from __future__ import annotations

from torch import Tensor, nn

from charrnn_fast_cells.candidate import Candidate, activate
from charrnn_fast_cells.linear import LinearCell


class MinGRU(LinearCell):
    r"""minGRU (Feng et al. 2024, "Were RNNs All We Needed?", section 3.1): a GRU whose gate does not see the state.

    With ``σ`` the logistic function and ``*`` element-wise::

        z_t = σ(W_z x_t + b_z)                  update gate
        n_t = W_h x_t + b_h                     candidate
        h_t = (1 - z_t) * h_{t-1} + z_t * n_t

    The state is ``(h,)``.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        candidate: ``linear``, or ``positive`` for ``n_t = g(W_h x_t + b_h)``, as in the paper's log-space form.
    """

    def __init__(self, input_size: int, hidden_size: int, candidate: Candidate = "linear") -> None:
        super().__init__(input_size, hidden_size)
        self.candidate = candidate
        self.read = nn.Linear(input_size, 2 * hidden_size)

    def terms(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Compute ``1 - z`` and ``z * n``: ``[T, B, I]`` to two of ``[T, B, H]``."""
        gate, candidate = self.read(inputs).chunk(2, dim=-1)
        gate = gate.sigmoid()
        return 1 - gate, gate * activate(self.candidate, candidate)
