"""For each check of the conformance kit, a cell that is broken in just that way.

``BROKEN`` has, for a check's name, the cell and the other checks that cannot but fail with it.
"""

from __future__ import annotations

import torch
from torch import nn

from charrnn import Cell


class Sound(Cell):
    """A plain recurrent network, which keeps its contract."""

    recurrent_weights = ("recurrent.weight",)

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.read = nn.Linear(input_size, hidden_size)
        self.recurrent = nn.Linear(hidden_size, hidden_size, bias=False)

    def project(self, inputs):
        return self.read(inputs)

    def step(self, projected, state):
        hidden = torch.tanh(projected + self.recurrent(state[0]))
        return hidden, (hidden,)


class OneStateForAll(Sound):
    """Its initial state has one lane, whatever the batch, and is broadcast."""

    def initial_state(self, batch_size):
        return super().initial_state(1)


class ForwardDiffers(Sound):
    """Its whole-sequence form is a little larger than its steps."""

    def forward(self, inputs, state):
        outputs, state = super().forward(inputs, state)
        return outputs * 1.001, state


class ForgetsTheStateBetweenChunks(Sound):
    """It returns the state that it was given, not the last one, after a sequence of two steps."""

    def forward(self, inputs, state):
        outputs, last = super().forward(inputs, state)
        return outputs, last if len(inputs) != 2 else state


class SeesTheFuture(Sound):
    """It centres each sequence by its mean over time."""

    def forward(self, inputs, state):
        return super().forward(inputs - inputs.mean(0, keepdim=True), state)


class MixesLanes(Sound):
    """It normalises over the batch."""

    def step(self, projected, state):
        mixed = projected + self.recurrent(state[0])
        hidden = torch.tanh(mixed - 0.1 * mixed.mean(0, keepdim=True))
        return hidden, (hidden,)


class KnowsLanesByNumber(Sound):
    """It treats lane 0 in a way of its own."""

    def step(self, projected, state):
        weights = torch.arange(len(projected), dtype=projected.dtype).unsqueeze(1)
        hidden = torch.tanh(projected + self.recurrent(state[0]) + 0.1 * weights)
        return hidden, (hidden,)


class CountsItsSteps(Sound):
    """It writes to itself."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.register_buffer("steps", torch.zeros(()))

    def step(self, projected, state):
        self.steps += 1
        return super().step(projected, state)


class StopsTheGradient(Sound):
    """It detaches the state."""

    def step(self, projected, state):
        hidden = torch.tanh(projected + self.recurrent(state[0].detach()) + 0.1 * state[0])
        return hidden, (hidden,)


class IdleParameter(Sound):
    """It has a parameter that nothing depends on."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.gate = nn.Parameter(torch.zeros(hidden_size))


class OnlyFloat64(Sound):
    """It overflows in less than float64."""

    def step(self, projected, state):
        large = (projected + self.recurrent(state[0])) * 1e200
        hidden = torch.tanh(large * 1e-200)
        return hidden, (hidden,)


class HiddenWeights(Sound):
    """It keeps weights where state_dict does not find them."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.scale = [torch.rand(1).item()]

    def step(self, projected, state):
        hidden = torch.tanh(self.scale[0] * projected + self.recurrent(state[0]))
        return hidden, (hidden,)


class SharesItsCopy(Sound):
    """A copy of it has its parameters."""

    def __deepcopy__(self, memo):
        return self


class RandomStart(Sound):
    """Its weights come from elsewhere than torch's generator."""

    count = 0

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        RandomStart.count += 1
        nn.init.constant_(self.read.bias, 1e-6 * RandomStart.count)


class BranchesOnData(Sound):
    """It branches on what it reads."""

    def step(self, projected, state):
        hidden = torch.tanh(projected + self.recurrent(state[0]))
        return (hidden if float(projected.detach().sum()) > -1e9 else -hidden), (hidden,)


class MisnamesItsWeights(Sound):
    """It names a matrix that is not there."""

    recurrent_weights = ("recurrent.wieght",)


BROKEN = {
    "shapes_and_dtypes": (OneStateForAll, set()),
    "forward_equals_steps": (ForwardDiffers, set()),
    "chunks_equal_the_whole": (ForgetsTheStateBetweenChunks, {"forward_equals_steps"}),
    "causal": (SeesTheFuture, {"forward_equals_steps", "chunks_equal_the_whole"}),
    "lanes_are_independent": (MixesLanes, {"state_reorders"}),
    "state_reorders": (KnowsLanesByNumber, set()),
    "step_is_pure": (CountsItsSteps, set()),
    "gradients": (StopsTheGradient, set()),
    "parameters_receive_gradient": (IdleParameter, set()),
    "dtypes": (OnlyFloat64, {"saves_and_loads"}),
    "saves_and_loads": (HiddenWeights, set()),
    "copies": (SharesItsCopy, set()),
    "deterministic": (RandomStart, set()),
    "compiles": (BranchesOnData, set()),
    "recurrent_weights_exist": (MisnamesItsWeights, set()),
}
