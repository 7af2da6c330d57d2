"""The cells, their step, and an independent float64 loop over the papers' formulas all say the same."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from charrnn_research_cells.indrnn import IndRNN
from charrnn_research_cells.ln_lstm import LayerNormLSTM
from charrnn_research_cells.mgu import MinimalGatedUnit
from charrnn_research_cells.mlstm import MultiplicativeLSTM
from charrnn_research_cells.mogrifier import MogrifierLSTM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn import Cell
from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.recurrence import explain, step_by_step


def logistic(x):
    return 1 / (1 + np.exp(-x))


def mlstm(p, x, state):
    h, c = state
    w_mx, w_ix, w_fx, w_gx, w_ox = np.split(p["read.weight"], 5)
    w_mh = p["recur.weight"]
    w_im, w_fm, w_gm, w_om = np.split(p["mix.weight"], 4)
    b_i, b_f, b_g, b_o = np.split(p["mix.bias"], 4)

    m = (w_mx @ x) * (w_mh @ h)
    i = logistic(w_ix @ x + w_im @ m + b_i)
    f = logistic(w_fx @ x + w_fm @ m + b_f)
    g = np.tanh(w_gx @ x + w_gm @ m + b_g)
    o = logistic(w_ox @ x + w_om @ m + b_o)
    c = f * c + i * g
    return o * np.tanh(c), c


def mogrifier(rounds, rank=0):
    def matrix(p, number):
        name = f"rounds.{number - 1}"
        return p[f"{name}.1.weight"] @ p[f"{name}.0.weight"] if rank else p[f"{name}.weight"]

    def step(p, x, state):
        h, c = state
        xs, hs = {-1: x}, {0: h}
        for number in range(1, rounds + 1):
            if number % 2 == 1:
                xs[number] = 2 * logistic(matrix(p, number) @ hs[number - 1]) * xs[number - 2]
            else:
                hs[number] = 2 * logistic(matrix(p, number) @ xs[number - 1]) * hs[number - 2]
        x, h = xs[max(xs)], hs[max(hs)]
        w_i, w_f, w_g, w_o = (
            np.concatenate(pair, axis=1)
            for pair in zip(np.split(p["recur.weight"], 4), np.split(p["read.weight"], 4), strict=True)
        )
        b_i, b_f, b_g, b_o = np.split(p["read.bias"], 4)
        both = np.concatenate([h, x])
        i, f, o = logistic(w_i @ both + b_i), logistic(w_f @ both + b_f), logistic(w_o @ both + b_o)
        c = f * c + i * np.tanh(w_g @ both + b_g)
        return o * np.tanh(c), c

    return step


def indrnn(activation):
    def step(p, x, state):
        (h,) = state
        return (activation(p["read.weight"] @ x + p["recur"] * h + p["read.bias"]),)

    return step


def mgu(p, x, state):
    (h,) = state
    w_f, w_h = np.split(p["read.weight"], 2)
    u_f, u_h = p["forget.weight"], p["candidate.weight"]
    b_f, b_h = np.split(p["read.bias"], 2)

    f = logistic(w_f @ x + u_f @ h + b_f)
    n = np.tanh(w_h @ x + u_h @ (f * h) + b_h)
    return ((1 - f) * h + f * n,)


def ln_lstm(p, x, state):
    def norm(z, name):
        # torch's epsilon, which the paper has not.
        return p[f"{name}.weight"] * (z - z.mean()) / np.sqrt(((z - z.mean()) ** 2).mean() + 1e-5) + p[f"{name}.bias"]

    h, c = state
    w_h, w_x, b = p["recur.weight"], p["read.weight"], p["bias"]
    f, i, o, g = np.split(norm(w_h @ h, "norm_recur") + norm(w_x @ x, "norm_read") + b, 4)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(norm(c, "norm_memory")), c


#: How a cell is built, and one step of it by the formulas: weights by name, ``x`` and a state to the next state, whose
#: first leaf is the output.
CELLS = {
    "mlstm": (MultiplicativeLSTM, {}, mlstm),
    "mogrifier": (MogrifierLSTM, {}, mogrifier(5)),
    "mogrifier rounds=2 rank=2": (MogrifierLSTM, {"rounds": 2, "rank": 2}, mogrifier(2, rank=2)),
    "mogrifier rounds=0": (MogrifierLSTM, {"rounds": 0}, mogrifier(0)),
    "indrnn": (IndRNN, {}, indrnn(lambda x: np.maximum(x, 0))),
    "indrnn tanh": (IndRNN, {"activation": "tanh"}, indrnn(np.tanh)),
    "mgu": (MinimalGatedUnit, {}, mgu),
    "ln-lstm": (LayerNormLSTM, {}, ln_lstm),
}

every_cell = pytest.mark.parametrize("name", CELLS)
few = settings(deadline=None, max_examples=8)
sizes = given(
    time=st.integers(1, 7), lanes=st.integers(1, 3), features=st.integers(1, 5), hidden=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
usual = example(time=7, lanes=3, features=4, hidden=5, seed=0)


def case(name, time, lanes, features, hidden, seed):
    """A cell of which no parameter is 0 or 1, inputs ``[T, B, I]`` and a random state, all float64."""
    kind, options, _ = CELLS[name]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        cell = kind(features, hidden, **options).double()
        with torch.no_grad():
            for parameter in cell.parameters():
                parameter += torch.randn_like(parameter) / 2
        inputs = torch.randn(time, lanes, features, dtype=torch.float64)
        state = tuple(torch.randn_like(leaf) for leaf in cell.initial_state(lanes))
    return cell, inputs, state


def steps(cell, inputs, state):
    return step_by_step(cell, cell.project(inputs), state)


@every_cell
@few
@usual
@sizes
def test_the_cell_and_its_steps_equal_the_formulas(name, time, lanes, features, hidden, seed):
    cell, inputs, state = case(name, time, lanes, features, hidden, seed)
    formulas = CELLS[name][2]
    weights = {key: value.numpy() for key, value in cell.state_dict().items()}
    for run in (cell, lambda *given: steps(cell, *given)):
        outputs, last = run(inputs, state)
        for lane in range(lanes):
            carried = tuple(leaf[lane].numpy() for leaf in state)
            for time, x in enumerate(inputs[:, lane].numpy()):
                carried = formulas(weights, x, carried)
                np.testing.assert_allclose(outputs[time, lane].detach(), carried[0], rtol=0, atol=1e-10)
            for leaf, wanted in zip(last, carried, strict=True):
                np.testing.assert_allclose(leaf[lane].detach(), wanted, rtol=0, atol=1e-10)


@every_cell
@few
@usual
@sizes
def test_gradients_are_those_of_repeated_steps(name, time, lanes, features, hidden, seed):
    cell, inputs, state = case(name, time, lanes, features, hidden, seed)
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(time, lanes, hidden, dtype=torch.float64, generator=generator)
    leaves = [inputs.requires_grad_(), *(leaf.requires_grad_() for leaf in state)]
    found, wanted = (
        torch.autograd.grad((run(inputs, state)[0] * weights).sum(), [*leaves, *cell.parameters()], allow_unused=True)
        for run in (cell, lambda *given: steps(cell, *given))
    )
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)


@every_cell
def test_a_step_is_all_they_say_and_the_engine_takes_it_apart(name):
    assert CELLS[name][0].forward is Cell.forward
    cell, inputs, state = case(name, 7, 3, 4, 5, seed=0)
    assert explain(cell, inputs, state) is None


@pytest.mark.parametrize("name", [name for name, (kind, *_) in CELLS.items() if kind is not IndRNN])
def test_gates_are_what_the_step_multiplies_by(name, monkeypatch):
    cell, inputs, state = case(name, 1, 3, 4, 5, seed=0)
    (projected,) = cell.project(inputs)
    shown = cell.gates(projected, state)
    sigmoid, made = torch.Tensor.sigmoid, []
    monkeypatch.setattr(torch.Tensor, "sigmoid", lambda each: made.append(sigmoid(each)) or made[-1])
    output, after = cell.step(projected, tuple(leaf.requires_grad_() for leaf in state))
    for gate in shown.values():
        assert any(each.shape == gate.shape and torch.allclose(each, gate) for each in made)
    if name == "mgu":
        assert list(shown) == ["forget"]
        return
    assert list(shown) == ["input", "forget", "output"]
    (forget,) = torch.autograd.grad(after[1].sum(), state[1], retain_graph=True)
    torch.testing.assert_close(shown["forget"], forget)
    squashed = (cell.norm_memory(after[1]) if name == "ln-lstm" else after[1]).tanh()
    torch.testing.assert_close(shown["output"] * squashed, output)


@every_cell
def test_keeps_the_contract(name, cell_check):
    kind, options, _ = CELLS[name]
    cell_check(kind, **options)


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("mlstm", MultiplicativeLSTM, {}),
        ("mogrifier", MogrifierLSTM, {"rounds": "4", "rank": "2"}),
        ("indrnn", IndRNN, {"activation": "tanh"}),
        ("mgu", MinimalGatedUnit, {}),
        ("ln-lstm", LayerNormLSTM, {}),
    ],
)
def test_each_is_a_name_whose_options_the_command_line_can_give(name, kind, options):
    entry = plugins().cells[name]
    assert entry.load() is kind
    kind(3, 4, **check_options(entry, kind.__init__, options))


def test_registering_imports_no_torch():
    program = (
        "import sys, charrnn_research_cells\n"
        "names = []\n"
        "charrnn_research_cells.register_cells(lambda name, target, summary: names.append(name))\n"
        "print(*names, 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["mlstm", "mogrifier", "indrnn", "mgu", "ln-lstm", "False"]
