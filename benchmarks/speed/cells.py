"""Cells as a plugin's author would write them: ``project`` and ``step``, no tricks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from charrnn import Cell, State, linear_scan


class PlainLSTM(Cell):
    """The equations of an LSTM."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.read = nn.Linear(input_size, 4 * hidden_size)
        self.mix = nn.Linear(hidden_size, 4 * hidden_size)

    def initial_state(self, batch_size: int) -> State:
        """Return zeros for ``h`` and ``c``."""
        return self._zeros(batch_size), self._zeros(batch_size)

    def project(self, inputs: Tensor) -> Tensor:
        """Read all inputs."""
        return self.read(inputs)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance one step."""
        hidden, memory = state
        into, forget, candidate, out = (projected + self.mix(hidden)).chunk(4, dim=-1)
        memory = torch.sigmoid(forget) * memory + torch.sigmoid(into) * torch.tanh(candidate)
        hidden = torch.sigmoid(out) * torch.tanh(memory)
        return hidden, (hidden, memory)


class PlainGRU(Cell):
    """The equations of a GRU."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.read = nn.Linear(input_size, 3 * hidden_size)
        self.mix = nn.Linear(hidden_size, 3 * hidden_size)

    def project(self, inputs: Tensor) -> Tensor:
        """Read all inputs."""
        return self.read(inputs)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance one step."""
        (hidden,) = state
        reset, update, candidate = projected.chunk(3, dim=-1)
        reset_h, update_h, candidate_h = self.mix(hidden).chunk(3, dim=-1)
        reset, update = torch.sigmoid(reset + reset_h), torch.sigmoid(update + update_h)
        candidate = torch.tanh(candidate + reset * candidate_h)
        hidden = (1 - update) * candidate + update * hidden
        return hidden, (hidden,)


class MinGRU(Cell):
    """minGRU (Feng et al. 2024, section 3.1): a GRU whose gate does not see the state."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.gate = nn.Linear(input_size, hidden_size)
        self.candidate = nn.Linear(input_size, hidden_size)

    def project(self, inputs: Tensor) -> Tensor:
        """Compute gate and candidate of all steps."""
        return torch.cat([self.gate(inputs).sigmoid(), self.candidate(inputs)], dim=-1)

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance one step."""
        gate, candidate = projected.chunk(2, dim=-1)
        hidden = (1 - gate) * state[0] + gate * candidate
        return hidden, (hidden,)

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run all steps as one linear recurrence."""
        gate = self.gate(inputs).sigmoid()
        outputs = linear_scan(1 - gate, gate * self.candidate(inputs), state[0])
        return outputs, (outputs[-1],)
