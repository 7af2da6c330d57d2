"""Real-gated linear recurrent unit."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from charrnn.errors import UsageError
from charrnn_fast_cells.linear import LinearCell

#: The paper's ``c``: how much faster than ``a`` the state decays while the recurrence gate is open.
_SPEED = 8.0
#: Between these a new network's ``a^c`` lies.
_LEAST, _MOST = 0.9, 0.999


class RGLRU(LinearCell):
    r"""Real-gated linear recurrent unit (De et al. 2024, "Griffin", section 2.4), behind a projection.

    With ``σ`` the logistic function and ``*`` element-wise::

        u_t = W_u x_t + b_u                     the unit's input, of H features
        r_t = σ(W_a u_t + b_a)                  recurrence gate
        i_t = σ(W_x u_t + b_x)                  input gate
        a_t = a^(c r_t)                         with a = σ(Λ), c = 8
        h_t = a_t * h_{t-1} + sqrt(1 - a_t^2) * (i_t * u_t)

    The paper's unit is all but the first line: it reads as many features as it has, and in Griffin's recurrent block a
    projection (and a short convolution, which is not here) stands before it. ``Λ`` starts such that ``a^c`` is uniform
    between 0.9 and 0.999. The state is ``(h,)``.

    Args:
        input_size: ``I``.
        hidden_size: ``H``.
        blocks: ``W_a`` and ``W_x`` are block-diagonal with so many blocks; a divisor of ``H``.

    Raises:
        UsageError: ``blocks`` does not divide ``hidden_size``.
    """

    def __init__(self, input_size: int, hidden_size: int, blocks: int = 1) -> None:
        super().__init__(input_size, hidden_size)
        if blocks < 1 or hidden_size % blocks:
            raise UsageError(f"blocks={blocks} of rglru: choose a divisor of the {hidden_size} hidden features")
        size = hidden_size // blocks
        self.read = nn.Linear(input_size, hidden_size)
        self.gates = nn.Parameter(torch.empty(blocks, size, 2 * size))
        self.bias = nn.Parameter(torch.zeros(2, hidden_size))
        self.decay = nn.Parameter(torch.empty(hidden_size))
        with torch.no_grad():
            self.gates.normal_(std=size**-0.5)
            log_a = self.decay.uniform_(_LEAST, _MOST).log() / _SPEED
            # The inverse of log σ: Λ = log a - log(1 - a).
            self.decay.copy_(log_a - (-log_a.expm1()).log())

    def terms(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Compute ``a_t`` and ``sqrt(1 - a_t^2) * (i_t * u_t)``: ``[T, B, I]`` to two of ``[T, B, H]``."""
        read = self.read(inputs)
        blocks = read.unflatten(-1, (len(self.gates), -1))
        products = torch.einsum("tbki,kio->tbko", blocks, self.gates)
        recurrence, into = (each.flatten(-2) for each in products.chunk(2, dim=-1))
        recurrence = (recurrence + self.bias[0]).sigmoid()
        into = (into + self.bias[1]).sigmoid()
        # In logarithms, since a_t is close to 1, where 1 - a_t^2 would lose all its digits.
        log_decay = _SPEED * recurrence * logsigmoid(self.decay)
        # A root has no finite gradient at 0, where a shut gate leaves it. Below the smallest normal number it is level.
        rest = (-(2 * log_decay).expm1()).clamp(min=torch.finfo(log_decay.dtype).tiny)
        return log_decay.exp(), rest.sqrt() * (into * read)
