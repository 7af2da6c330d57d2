"""For each check of the conformance kit, a NumPy form that is broken in just that way."""

from __future__ import annotations

import numpy as np

from charrnn import NumpyCell


class Sound(NumpyCell):
    """The NumPy form of the plain network in ``broken_cells``, written without care for speed."""

    def project(self, inputs):
        return inputs @ self.weights["read.weight"].T + self.weights["read.bias"]

    def step(self, projected, state):
        hidden = np.tanh(projected + state[0] @ self.weights["recurrent.weight"].T)
        return hidden, (hidden,)


class BeginsElsewhere(Sound):
    """Its first state is not the cell's."""

    def initial_state(self, batch_size):
        return (super().initial_state(batch_size)[0] + 0.1,)


class LosesTheBias(Sound):
    """It leaves a bias out."""

    def project(self, inputs):
        return inputs @ self.weights["read.weight"].T


class MixesLanes(Sound):
    """It is a little off where lanes repeat each other."""

    def step(self, projected, state):
        hidden, state = super().step(projected, state)
        again = len(state[0]) > 1 and np.array_equal(state[0][0], state[0][-1])
        return hidden, (state[0] * (1.001 if again else 1),)


class KeepsItsOwnState(Sound):
    """It goes on from where it was, if the batch is as large as before."""

    before = None

    def step(self, projected, state):
        if projected.shape[0] == 1 and self.before is not None:
            state = (0.5 * (state[0] + self.before),)
        hidden, state = super().step(projected, state)
        self.before = hidden if projected.shape[0] == 1 else None
        return hidden, state


BROKEN = {
    "begins_alike": (BeginsElsewhere, set()),
    "steps_alike": (LosesTheBias, set()),
    "lanes_reorder": (MixesLanes, set()),
    "carries_nothing": (KeepsItsOwnState, {"steps_alike", "lanes_reorder"}),
}
