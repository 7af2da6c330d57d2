"""The cells, their step, and an independent float64 loop over the article's formulas all say the same."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from charrnn_article_cells.gru import ArticleGRU
from charrnn_article_cells.lstm import ArticleLSTM
from charrnn_article_cells.rnn import ArticleRNN
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.options import check_options
from charrnn.plugins import plugins
from charrnn.recurrence import explain, step_by_step


def logistic(x):
    return 1 / (1 + np.exp(-x))


def rnn(activation):
    def step(p, x, state):
        (h,) = state
        w_hh, w_xh, b_h = p["recur.weight"], p["read.weight"], p["read.bias"]
        return (activation(w_hh @ h + w_xh @ x + b_h),)

    return step


def lstm(squash):
    def step(p, x, state):
        h, c = state
        *from_h, o_from_h = np.split(p["recur.weight"], 4)
        # The article's matrices, which read [h, x] and [h, c].
        w_ih, w_fh, w_ch = (
            np.concatenate(pair, axis=1) for pair in zip(from_h, np.split(p["read.weight"], 3), strict=True)
        )
        w_oh = np.concatenate([o_from_h, p["peephole.weight"]], axis=1)
        b_i, b_f, b_c = np.split(p["read.bias"], 3)
        b_o = p["peephole.bias"]

        i = logistic(w_ih @ np.concatenate([h, x]) + b_i)
        f = logistic(w_fh @ np.concatenate([h, x]) + b_f)
        candidate = squash(w_ch @ np.concatenate([h, x]) + b_c)
        c = f * c + i * candidate
        o = logistic(w_oh @ np.concatenate([h, c]) + b_o)
        return o * squash(c), c

    return step


def lstm_pseudocode(p, x, state):
    h, c = state
    w_hh, w_xh = p["recur.weight"], p["read.weight"]
    i = logistic(w_hh @ h + w_xh @ x)
    f = logistic(w_hh @ h + w_xh @ x)
    o = logistic(w_hh @ h + w_xh @ x)
    c = f * c + i * np.tanh(w_hh @ h + w_xh @ x)
    return o * np.tanh(c), c


def gru(p, x, state):
    h, c = state
    z_from_h, r_from_h, o_from_h, c_from_h = np.split(p["recur.weight"], 4)
    z_from_x, r_from_x, c_from_x = np.split(p["read.weight"], 3)
    w_zh = np.concatenate([z_from_h, z_from_x], axis=1)
    w_rh = np.concatenate([r_from_h, r_from_x], axis=1)
    w_ch = np.concatenate([c_from_h, c_from_x], axis=1)
    w_oh = np.concatenate([o_from_h, p["peephole.weight"]], axis=1)
    b_z, b_r, b_c = np.split(p["read.bias"], 3)
    b_o = p["peephole.bias"]

    z = logistic(w_zh @ np.concatenate([h, x]) + b_z)
    r = logistic(w_rh @ np.concatenate([h, x]) + b_r)
    candidate = np.tanh(w_ch @ np.concatenate([r * h, x]) + b_c)
    c = z * c + (1 - z) * candidate
    return np.tanh(c) * logistic(w_oh @ np.concatenate([h, c]) + b_o), c


def gru_pseudocode(p, x, state):
    (h,) = state
    w_hh, w_xh = p["recur.weight"], p["read.weight"]
    r = z = logistic(w_hh @ h + w_xh @ x)
    n = np.tanh(r * h + (1 - r) * np.tanh(w_hh @ h + w_xh @ x))
    return (z * h + (1 - z) * n,)


#: How a cell is built, and one step of it by the formulas: weights by name, ``x`` and a state to the next state, whose
#: first leaf is the output.
CELLS = {
    "rnn": (ArticleRNN, {}, rnn(logistic)),
    "rnn tanh": (ArticleRNN, {"activation": "tanh"}, rnn(np.tanh)),
    "rnn relu": (ArticleRNN, {"activation": "relu"}, rnn(lambda x: np.maximum(x, 0))),
    "lstm": (ArticleLSTM, {}, lstm(logistic)),
    "lstm tanh": (ArticleLSTM, {"squash": "tanh"}, lstm(np.tanh)),
    "lstm pseudocode": (ArticleLSTM, {"form": "pseudocode"}, lstm_pseudocode),
    "gru": (ArticleGRU, {}, gru),
    "gru pseudocode": (ArticleGRU, {"form": "pseudocode"}, gru_pseudocode),
}

every_cell = pytest.mark.parametrize("name", CELLS)
few = settings(deadline=None, max_examples=8)
sizes = given(
    time=st.integers(1, 7), lanes=st.integers(1, 3), features=st.integers(1, 5), hidden=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
usual = example(time=7, lanes=3, features=4, hidden=5, seed=0)


def case(name, time, lanes, features, hidden, seed):
    """A cell, inputs ``[T, B, I]`` and a random state, all float64."""
    kind, options, _ = CELLS[name]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        cell = kind(features, hidden, **options).double()
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
def test_the_engine_takes_the_step_apart(name):
    cell, inputs, state = case(name, 7, 3, 4, 5, seed=0)
    assert explain(cell, inputs, state) is None


@every_cell
def test_keeps_the_contract(name, cell_check):
    kind, options, _ = CELLS[name]
    cell_check(kind, **options)


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("article-rnn", ArticleRNN, {"activation": "relu"}),
        ("article-lstm", ArticleLSTM, {"form": "equations", "squash": "sigmoid"}),
        ("article-lstm", ArticleLSTM, {"form": "pseudocode"}),
        ("article-gru", ArticleGRU, {"form": "pseudocode"}),
    ],
)
def test_each_is_a_name_whose_options_the_command_line_can_give(name, kind, options):
    entry = plugins().cells[name]
    assert entry.load() is kind
    kind(3, 4, **check_options(entry, kind.__init__, options))


def test_registering_imports_no_torch():
    program = (
        "import sys, charrnn_article_cells\n"
        "names = []\n"
        "charrnn_article_cells.register_cells(lambda name, target, summary: names.append(name))\n"
        "print(*names, 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["article-rnn", "article-lstm", "article-gru", "False"]
