"""How a gradient falls with distance: the numbers, and the command that shows them."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from charrnn_inspect.chart import draw
from charrnn_inspect.clipping import Clipping, describe, read_clipping
from charrnn_inspect.gradients import gradient_norms

from charrnn import Cell
from charrnn.cells.gru import GRU
from charrnn.cells.lstm import LSTM
from charrnn.cells.rnn import RNN
from charrnn.settings import OptimizerSettings

DISTANCE = 6


def logistic(x):
    return 1 / (1 + np.exp(-x))


def rnn(w, x, state):
    w_x, w_h, b_x, b_h = w
    (h,) = state
    return (np.tanh(w_x[0] * x + b_x[0] + w_h[0] * h + b_h[0]),)


def gru(w, x, state):
    w_x, w_h, b_x, b_h = w
    (h,) = state
    r, z = (logistic(w_x[k] * x + b_x[k] + w_h[k] * h + b_h[k]) for k in (0, 1))
    n = np.tanh(w_x[2] * x + b_x[2] + r * (w_h[2] * h + b_h[2]))
    return ((1 - z) * n + z * h,)


def lstm(w, x, state):
    w_x, w_h, b_x, b_h = w
    h, c = state
    i, f, g, o = (w_x[k] * x + b_x[k] + w_h[k] * h + b_h[k] for k in range(4))
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


@pytest.mark.parametrize(("kind", "step"), [(RNN, rnn), (GRU, gru), (LSTM, lstm)])
def test_norms_are_those_of_the_derivative_of_the_equations(kind, step):
    """With one feature there is one direction, and complex steps give each derivative to the last digit."""
    torch.manual_seed(0)
    cell = kind(1, 1).double().requires_grad_(False)
    inputs = torch.randn(4 * DISTANCE, 3, 1, dtype=torch.float64)
    weights = [each.numpy().ravel() for each in cell.kernel.all_weights[0]]
    leaves = len(cell.initial_state(1))
    found = []
    for x in inputs[:, :, 0].T.numpy():
        states = [(0.0,) * leaves]
        for each in x:
            states.append(step(weights, each, states[-1]))
        for end in range(2 * DISTANCE, len(x) + 1, DISTANCE):
            for k in range(1, DISTANCE + 1):
                slopes = []
                for leaf in range(leaves):
                    state = tuple(v + 1e-30j * (number == leaf) for number, v in enumerate(states[end - k]))
                    for each in x[end - k : end]:
                        state = step(weights, each, state)
                    slopes.append(state[0].imag / 1e-30)
                found.append(np.hypot.reduce(slopes) if leaves > 1 else abs(slopes[0]))
    expected = np.reshape(found, (-1, DISTANCE)).mean(axis=0)
    norms = gradient_norms(cell, inputs, DISTANCE, seed=5)
    np.testing.assert_allclose(norms, [1, *expected], rtol=1e-10)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_a_linear_network_that_turns_and_stretches_does_so_to_every_direction(factor):
    cell = RNN(2, 5).double().requires_grad_(False)
    cell.activation = torch.clone
    turn, _ = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64))
    cell.kernel.weight_hh_l0.copy_(factor * turn)
    norms = gradient_norms(cell, torch.randn(40, 2, 2, dtype=torch.float64), 10, seed=0)
    np.testing.assert_allclose(norms, factor ** np.arange(11.0), rtol=1e-12)


class Forgetful(Cell):
    """Puts out what it read, and carries something else that nothing depends on."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.read = torch.nn.Linear(input_size, hidden_size)

    def step(self, projected, state):
        return self.read(projected), (projected.sum(dim=1, keepdim=True).expand_as(state[0]),)


def test_what_does_not_look_back_has_no_gradient():
    cell = Forgetful(3, 3).double().requires_grad_(False)
    assert gradient_norms(cell, torch.randn(8, 2, 3, dtype=torch.float64), 2, seed=0) == [1.0, 0.0, 0.0]


class Counting(RNN):
    """Counts its steps beside what it does, in whole numbers."""

    def initial_state(self, batch_size):
        return (*super().initial_state(batch_size), torch.zeros(batch_size, dtype=torch.int64))

    def step(self, projected, state):
        output, (hidden,) = super().step(projected, state[:1])
        return output, (hidden, state[1] + 1)


def test_whole_numbers_in_a_state_have_no_gradient():
    inputs = torch.randn(8, 2, 3, dtype=torch.float64)
    plain, counting = RNN(3, 4).double().requires_grad_(False), Counting(3, 4).double().requires_grad_(False)
    counting.load_state_dict(plain.state_dict())
    assert gradient_norms(counting, inputs, 2, seed=0) == gradient_norms(plain, inputs, 2, seed=0)


EXPLODING = """
import torch
from charrnn import hookimpl
from charrnn.cells.rnn import RNN


class Exploding(RNN):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.activation = torch.clone

    def step(self, projected, state):
        output, (hidden,) = super().step(projected, state)
        return 1e200 * output, (1e200 * hidden,)


@hookimpl
def register_cells(register):
    register("exploding", Exploding)
"""


def test_json_has_null_for_what_is_no_number(inspect, tmp_path):
    (tmp_path / "exploding.py").write_text(EXPLODING)
    shown = inspect("gradients", "--plugin", "exploding.py", "--cell", "exploding", "--distance", 5, "--json")
    assert shown.code == 0, shown.err
    assert None in json.loads(shown.out, parse_constant=pytest.fail)["curves"]["exploding"]


def test_fresh_cells_stand_side_by_side(inspect):
    arguments = ["gradients", "--cell", "rnn", "--cell", "lstm", "--distance", 30, "--hidden", 8, "--seed", 3]
    shown = inspect(*arguments)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[1].split() == ["distance", "rnn", "lstm"]
    assert [line.split()[0] for line in lines[2:8]] == ["1", "2", "5", "10", "20", "30"]
    assert lines[-1].split() == ["o", "rnn", "x", "lstm"]
    found = inspect(*arguments, "--json").json()
    assert found["hidden"] == 8
    assert {name: len(norms) for name, norms in found["curves"].items()} == {"rnn": 31, "lstm": 31}
    assert lines[7].split() == ["30", *(f"{norms[30]:.2e}" for norms in found["curves"].values())]
    assert found["curves"]["rnn"][30] < found["curves"]["lstm"][30] < 1
    assert inspect(*arguments, "--json").json() == found
    assert inspect(*arguments[:-1], 4, "--json").json() != found


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_each_layer_of_a_run_is_shown(inspect, runs, cell):
    found = inspect("gradients", cell, "--checkpoints", runs, "--distance", 20, "--json").json()
    assert found["run"] == cell
    assert list(found["curves"]) == ["layer 1", "layer 2"]
    for norms in found["curves"].values():
        assert norms[0] == 1
        assert len(norms) == 21
        assert all(0 < norm < 10 for norm in norms)


def test_the_latest_run_is_the_one_that_is_not_named(inspect, runs):
    assert inspect("gradients", "--checkpoints", runs, "--distance", 5).out.startswith("run lstm, cell lstm\n")


def test_a_chart_is_plain_text():
    curves = {"falls": [1, 0.1, 0.01], "stays": [1, 1, 1], "ends": [1, 0, 0]}
    assert draw(curves, width=9, height=3).splitlines() == [
        "   1e+00 |+oxxxxxxx",
        "         |   ooo",
        "   1e-02 |      ooo",
        "         +---------",
        "          0distance2",
        "          o falls   x stays   + ends",
    ]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_written_beside_the_table(inspect, tmp_path, kind):
    shown = inspect("gradients", "--cell", "gru", "--distance", 5, "--hidden", 4, f"--{kind}", f"a.{kind}")
    assert (shown.code, shown.told) == (0, f"wrote a.{kind}")
    assert "distance" in shown.out
    content = (tmp_path / f"a.{kind}").read_bytes()
    assert content.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    inspect("gradients", "--cell", "gru", "--distance", 5, "--hidden", 4, f"--{kind}", f"b.{kind}")
    assert (tmp_path / f"b.{kind}").read_bytes() == content


def test_without_matplotlib_a_picture_is_refused(inspect, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    shown = inspect("gradients", "--cell", "gru", "--distance", 5, "--hidden", 4, "--svg", "a.svg")
    assert shown.code == 2
    assert shown.told == "charrnn: --svg needs the matplotlib package: pip install matplotlib"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--cell", "lstn"], "no cell is called 'lstn': did you mean 'lstm'?"),
        (["gru", "--cell", "lstm"], "a run has a cell of its own: give either RUN or --cell"),
        (["gru", "--hidden", "8"], "--hidden 8 is of fresh cells, and a run has its own; name a cell by --cell"),
        (["grv"], "did you mean 'gru'?"),
        (["gru", "--distance", "5000"], "--distance 5000 needs 25000 tokens of text, and "),
        (["--cell", "rnn", "--distance", "3", "--png", "no/where.png"], "--png 'no/where.png' cannot be written: No"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(inspect, runs, arguments, told, monkeypatch):
    monkeypatch.setenv("CHARRNN_CHECKPOINTS", str(runs))
    shown = inspect("gradients", *arguments)
    assert shown.code != 0
    assert told in shown.told


def test_the_distance_that_is_proposed_is_the_longest_possible(inspect, runs):
    told = inspect("gradients", "gru", "--checkpoints", runs, "--distance", 5000).told
    longest = int(told.split("give --distance ")[1].split()[0])
    assert inspect("gradients", "gru", "--checkpoints", runs, "--distance", longest).code == 0
    assert inspect("gradients", "gru", "--checkpoints", runs, "--distance", longest + 1).code == 2


def test_the_share_of_clipped_steps_counts_every_step_once(tmp_path):
    lines = [
        {"kind": "train", "step": 10, "loss": 3.0},
        {"kind": "train", "step": 20, "clipped": 1.0},
        {"kind": "validation", "step": 20},
        {"kind": "train", "step": 50, "clipped": 0.5},
    ]
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_clipping(path) == Clipping((10 * 1.0 + 30 * 0.5) / 40, logged=True)
    path.write_text(json.dumps(lines[0]))
    assert read_clipping(path) == Clipping(None, logged=True)
    path.write_text(json.dumps(lines[1]) + '\n{"kind": "tr')  # cut short by a kill
    assert read_clipping(path) == Clipping(1.0, logged=True)
    path.write_text(json.dumps(lines[2]))
    assert read_clipping(path) == Clipping(None, logged=False)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "clipping: not known; this run was trained by a charrnn that did not write it down"),
        ({"clipped": 0.25}, "clipping: 25.0% of the optimizer steps had a gradient clipped to norm 1"),
    ],
)
def test_a_run_says_how_often_it_was_clipped(inspect, runs, tmp_path, more, told):
    shutil.copytree(runs / "gru", tmp_path / "again")
    (tmp_path / "again" / "metrics.jsonl").write_text(json.dumps({"kind": "train", "step": 30, **more}) + "\n")
    shown = inspect("gradients", tmp_path / "again", "--distance", 3)
    assert shown.out.splitlines()[-1] == told
    found = inspect("gradients", tmp_path / "again", "--distance", 3, "--json").json()
    assert found["clipped"] == more.get("clipped")


@pytest.mark.parametrize(
    ("settings", "found", "told"),
    [
        ({"clip": 0.0}, Clipping(0.0, logged=True), "clipping: none, by --clip 0"),
        (
            {"clip": 0.0, "clip_value": 0.5},
            Clipping(0.0, logged=True),
            "clipping: each number of a gradient to 0.5, by --clip-value; no norm, by --clip 0",
        ),
        (
            {"clip": 2.0, "clip_value": 0.5},
            Clipping(0.25, logged=True),
            "clipping: 25.0% of the optimizer steps had a gradient clipped to norm 2; before that, each number of a "
            "gradient to 0.5, by --clip-value",
        ),
        ({"clip": 1.0}, Clipping(None, logged=False), "clipping: not known; this run logged none of its steps"),
    ],
)
def test_what_clips_and_what_is_not_known_are_told_apart(settings, found, told):
    assert describe(found, OptimizerSettings(**settings)) == told


def test_a_picture_s_axis_has_numbers_and_no_formulas(inspect, tmp_path):
    inspect("gradients", "--cell", "gru", "--distance", 20, "--hidden", 4, "--svg", "a.svg")
    content = (tmp_path / "a.svg").read_text()
    assert ">1e+00<" in content
    assert "math" not in content
