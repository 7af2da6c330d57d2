"""Cells: the step, the fused kernel, and an independent float64 loop all say the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from charrnn.cells.base import Cell
from charrnn.cells.gru import GRU
from charrnn.cells.lstm import LSTM
from charrnn.cells.rnn import RNN
from charrnn.plugins import plugins

T, B, I, H = 7, 3, 5, 4  # noqa: E741 - the shapes' names everywhere

CELLS = {
    "rnn": RNN(I, H),
    "rnn relu": RNN(I, H, activation="relu"),
    "rnn sigmoid": RNN(I, H, activation="sigmoid"),
    "lstm": LSTM(I, H),
    "gru": GRU(I, H),
}


def logistic(x):
    return 1 / (1 + np.exp(-x))


def reference(name, cell, inputs, state):
    """The equations of the docstrings, lane by lane in plain NumPy."""
    w, u, b, d = (each.detach().numpy() for each in cell.kernel.all_weights[0])
    outputs = np.empty((T, B, H))
    last = [leaf.copy() for leaf in state]
    for lane in range(B):
        h = last[0][lane]
        for t in range(T):
            a, r = w @ inputs[t, lane] + b, u @ h + d
            if name == "lstm":
                i, f, g, o = np.split(a + r, 4)
                c = last[1][lane] = logistic(f) * last[1][lane] + logistic(i) * np.tanh(g)
                h = logistic(o) * np.tanh(c)
            elif name == "gru":
                reset, update, candidate = np.split(a, 3)
                reset_h, update_h, candidate_h = np.split(r, 3)
                n = np.tanh(candidate + logistic(reset + reset_h) * candidate_h)
                z = logistic(update + update_h)
                h = (1 - z) * n + z * h
            else:
                phi = {"rnn": np.tanh, "rnn relu": lambda x: np.maximum(x, 0), "rnn sigmoid": logistic}[name]
                h = phi(a + r)
            outputs[t, lane] = h
        last[0][lane] = h
    return outputs, last


@pytest.fixture(params=CELLS, ids=str)
def case(request):
    cell = CELLS[request.param].double()
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(T, B, I, dtype=torch.float64, generator=generator)
    state = tuple(torch.randn(leaf.shape, dtype=torch.float64, generator=generator) for leaf in cell.initial_state(B))
    return request.param, cell, inputs, state


def test_the_whole_sequence_equals_the_equations(case):
    name, cell, inputs, state = case
    with torch.no_grad():
        outputs, last = cell(inputs, state)
    expected, expected_last = reference(name, cell, inputs.numpy(), [leaf.numpy() for leaf in state])
    np.testing.assert_allclose(outputs.numpy(), expected, atol=1e-12)
    for leaf, wanted in zip(last, expected_last, strict=True):
        np.testing.assert_allclose(leaf.numpy(), wanted, atol=1e-12)


def test_steps_equal_the_whole_sequence_with_gradients(case):
    _, cell, inputs, state = case
    results = []
    for run in (cell.forward, lambda *given: Cell.forward(cell, *given)):
        cell.zero_grad()
        given = inputs.clone().requires_grad_()
        outputs, last = run(given, state)
        (outputs.sin().sum() + sum(leaf.cos().sum() for leaf in last)).backward()
        gradients = [given.grad, *(parameter.grad.clone() for parameter in cell.parameters())]
        results.append([outputs.detach(), *last, *gradients])
    for whole, stepped in zip(*results, strict=True):
        torch.testing.assert_close(whole, stepped, atol=1e-10, rtol=0)


def test_chunks_with_carried_state_equal_the_whole(case):
    _, cell, inputs, state = case
    with torch.no_grad():
        whole, _ = cell(inputs, state)
        first, carried = cell(inputs[:3], state)
        second, _ = cell(inputs[3:], carried)
    torch.testing.assert_close(torch.cat([first, second]), whole)


@pytest.mark.parametrize(
    ("name", "gates"), [("lstm", ["input", "forget", "", "output"]), ("gru", ["reset", "update", ""])]
)
def test_gates_are_those_of_the_equations(name, gates):
    cell = CELLS[name].double()
    inputs, hidden = torch.randn(2, B, max(I, H), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    inputs, hidden = inputs[:, :I], hidden[:, :H]
    w, u, b, d = (each.detach().numpy() for each in cell.kernel.all_weights[0])
    found = cell.gates(cell.project(inputs), (hidden, hidden)[: len(cell.initial_state(1))])
    assert list(found) == [gate for gate in gates if gate]
    for lane in range(B):
        parts = np.split(w @ inputs[lane].numpy() + b + u @ hidden[lane].numpy() + d, len(gates))
        for gate, part in zip(gates, parts, strict=True):
            if gate:
                np.testing.assert_allclose(found[gate][lane].detach(), logistic(part), rtol=0, atol=1e-14)


def test_a_new_lstm_remembers():
    _, _, bias, recurrent_bias = LSTM(I, H).kernel.all_weights[0]
    forget = (bias + recurrent_bias)[H : 2 * H]
    assert (forget == 1).all()


def test_recurrent_weights_are_named():
    for name in ("rnn", "lstm", "gru"):
        cell = plugins().cells[name].load()(I, H)
        parameters = dict(cell.named_parameters())
        assert all(each in parameters for each in cell.recurrent_weights)


def test_a_cell_without_a_step_says_so():
    class Empty(Cell):
        def __init__(self) -> None:
            super().__init__(1, 1)
            self.weight = torch.nn.Parameter(torch.zeros(1))

    cell = Empty()
    with pytest.raises(TypeError, match="Empty must define step"):
        cell(torch.zeros(1, 1, 1), cell.initial_state(1))
