"""Each number of a step: by an independent loop, by the cells themselves, and as it is printed."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
from charrnn_inspect.example import fresh_weights
from charrnn_inspect.trace import PARTS, logistic, trace

from charrnn.cells.gru import GRU
from charrnn.cells.lstm import LSTM
from charrnn.cells.rnn import RNN

EXAMPLE = """
activation = "sigmoid"
W_xh = [[0.5, 0.6], [0.7, 0.8]]
W_hh = [[0.1, 0.2], [0.3, 0.4]]
b_h = [0.1, 0.2]
inputs = [1, 2, 3, 4]
"""
#: What is often printed for the same example.
COPIED = np.array([0.588, 0.867, 0.873, 0.869])
GIVEN = {
    "W_hh": np.array([[0.1, 0.2], [0.3, 0.4]]),
    "W_xh": np.array([[0.5, 0.6], [0.7, 0.8]]),
    "b_h": np.array([0.1, 0.2]),
}


@pytest.fixture
def example(tmp_path):
    path = tmp_path / "example.toml"
    path.write_text(EXAMPLE)
    return path


def hidden_states(steps):
    return [next(line["values"] for line in step["lines"] if line["name"].startswith("h_")) for step in steps]


def test_the_example_is_what_its_formula_says(inspect, example):
    found = inspect("trace", "--weights", example, "--json").json()
    h = [0.0, 0.0]
    for x, state in zip([1.0, 2.0, 3.0, 4.0], hidden_states(found["steps"]), strict=True):
        a = [
            sum(w * x for w in GIVEN["W_xh"][k]) + sum(w * each for w, each in zip(GIVEN["W_hh"][k], h, strict=True))
            + GIVEN["b_h"][k]
            for k in (0, 1)
        ]  # fmt: skip
        h = [float(1 / (1 + np.exp(-each))) for each in a]
        np.testing.assert_allclose(state, h, rtol=0, atol=1e-15)
    assert [f"{each:.4f}" for each in h] == ["0.9918", "0.9990"]


def test_it_is_laid_out_as_one_writes_it(inspect, example):
    shown = inspect("trace", "1,2", "--weights", example)
    assert shown.code == 0, shown.err
    assert shown.out.splitlines() == [
        "W_xh = 0.5000  0.6000",
        "       0.7000  0.8000",
        "W_hh = 0.1000  0.2000",
        "       0.3000  0.4000",
        "b_h  = 0.1000  0.2000",
        "h_0  = 0.0000  0.0000",
        "",
        "step 1: 1, x_1 = [1 1]",
        "  W_xh x_1      1.1000  1.5000",
        "+ W_hh h_0      0.0000  0.0000",
        "+ b_h           0.1000  0.2000",
        "= a_1           1.2000  1.7000",
        "  h_1 = σ(a_1)  0.7685  0.8455",
        "",
        "step 2: 2, x_2 = [2 2]",
        "  W_xh x_2      2.2000  3.0000",
        "+ W_hh h_1      0.2460  0.5688",
        "+ b_h           0.1000  0.2000",
        "= a_2           2.5460  3.7688",
        "  h_2 = σ(a_2)  0.9273  0.9774",
    ]


def readings():
    """Ways to read the example, each as four numbers."""
    acts = {"logistic": logistic, "tanh": np.tanh}
    pairs = [(GIVEN["W_hh"], GIVEN["W_xh"]), (GIVEN["W_xh"], GIVEN["W_hh"])]
    biases = [GIVEN["b_h"], GIVEN["b_h"][::-1], np.zeros(2)]
    recurrences = [lambda w, h: w @ h, lambda w, h: w.T @ h, lambda w, h: w @ np.full(2, h.mean()), lambda w, h: 0 * h]
    inputs = [np.ones(2), np.array([1.0, 0.0]), np.array([0.0, 1.0])]
    shows = [np.mean, np.min, np.max, np.prod, np.sum]
    for act, (w_h, w_x), bias, recur, turned, fed, scale in itertools.product(
        acts.values(), pairs, biases, recurrences, (False, True), inputs, (1, 0.25, 0.1)
    ):
        h, states = np.zeros(2), []
        for x in (1, 2, 3, 4):
            h = act((w_x.T if turned else w_x) @ (fed * x * scale) + recur(w_h, h) + bias)
            states.append(h)
        yield from (np.array([show(each) for each in states]) for show in shows)


def test_no_reading_gives_the_copied_numbers():
    found = list(readings())
    assert len(found) == 4320
    assert min(abs(each - COPIED).max() for each in found) > 0.01


def test_no_weights_of_one_unit_give_the_copied_numbers():
    """Steps 2 to 4 determine the weights, from which step 1 is far off."""
    for inverse in (lambda h: np.log(h / (1 - h)), np.arctanh):
        for rounding in itertools.product((-0.0005, 0, 0.0005), repeat=4):
            h = COPIED + rounding
            a = inverse(h)
            rows = np.array([[2, h[0], 1], [3, h[1], 1], [4, h[2], 1]])
            read, _recur, bias = np.linalg.solve(rows, a[1:])
            assert abs(read + bias - a[0]) > 0.3


@pytest.mark.parametrize("seed", range(5))
def test_with_weights_that_are_not_negative_no_state_falls_while_the_inputs_rise(seed):
    drawn = np.random.default_rng(seed)
    weights = {"W_xh": drawn.random((3, 2)), "W_hh": drawn.random((3, 3)), "b_h": drawn.random(3)}
    inputs = np.repeat([[1.0], [2.0], [3.0], [4.0]], 2, axis=1) / 4
    for activation in ("sigmoid", "tanh"):
        states = [step[-1].values for step in trace("rnn", weights, inputs, (np.zeros(3),), activation)]
        assert (np.diff(states, axis=0) > 0).all()


@pytest.mark.parametrize(("name", "kind"), [("rnn", RNN), ("gru", GRU), ("lstm", LSTM)])
def test_the_formulas_are_those_of_the_cells(name, kind):
    weights = fresh_weights(name, 3, 4, seed=7)
    torch.manual_seed(7)
    cell = kind(3, 4).double()
    inputs = torch.randn(6, 1, 3, dtype=torch.float64)
    start = tuple(torch.randn_like(leaf) for leaf in cell.initial_state(1))
    steps = trace(name, weights, inputs[:, 0].numpy(), tuple(leaf[0].numpy() for leaf in start))
    state = start
    for projected, step in zip(cell.project(inputs), steps, strict=True):
        output, state = cell.step(projected, state)
        found = {line.name.split("_")[0]: line.values for line in step if line.sign != "+"}
        np.testing.assert_allclose(found["h"], output[0].tolist(), rtol=0, atol=1e-14)
        if name == "lstm":
            np.testing.assert_allclose(found["c"], state[1][0].tolist(), rtol=0, atol=1e-14)


@pytest.mark.parametrize("cell", PARTS)
def test_sums_are_the_sums_of_the_lines_above(inspect, cell):
    found = inspect("trace", "abca", "--cell", cell, "--hidden", 3, "--seed", 1, "--json").json()
    assert [step["x"] for step in found["steps"]] == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    for step in found["steps"]:
        terms = np.zeros(3)
        sums = 0
        for line in step["lines"]:
            if line["sign"] == "=":
                np.testing.assert_allclose(line["values"], terms, rtol=0, atol=1e-15)
                sums += 1
            terms = np.array(line["values"]) + (terms if line["sign"] == "+" else 0)
        assert sums == {"rnn": 1, "gru": 5, "lstm": 5}[cell]


def test_a_text_s_characters_steer_no_terminal(inspect):
    shown = inspect("trace", "a\x1b[31m\n")
    assert "\x1b" not in shown.out
    assert "'\\x1b'" in shown.out


def test_json_says_the_same_as_toml(inspect, example, tmp_path):
    path = tmp_path / "example.json"
    path.write_text(json.dumps({**{name: each.tolist() for name, each in GIVEN.items()},
                                "activation": "sigmoid", "inputs": [1, 2, 3, 4]}))  # fmt: skip
    assert inspect("trace", "--weights", path).out == inspect("trace", "--weights", example).out


def test_a_file_can_hold_any_of_the_three_and_a_start(inspect, tmp_path):
    matrices = "\n".join(f"W_x{part} = [[0.5]]\nW_h{part} = [[2.0]]" for part in "ifgo")
    (tmp_path / "lstm.toml").write_text(f'cell = "lstm"\n{matrices}\nh_0 = [0.25]\nc_0 = [3.0]\ninputs = [1]\n')
    (step,) = inspect("trace", "--weights", "lstm.toml", "--json").json()["steps"]
    lines = {line["name"]: line["values"] for line in step["lines"]}
    gate = 1 / (1 + np.exp(-1.0))
    assert lines["a_i,1"] == [1.0]
    np.testing.assert_allclose(lines["c_1"], [gate * 3 + gate * np.tanh(1.0)])
    np.testing.assert_allclose(lines["h_1"], [gate * np.tanh(lines["c_1"][0])])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("W_hh", "W_hx"), "has 'W_hx': did you mean 'b_h' or 'W_xh' or 'W_hh'?"),
        (("b_h = [0.1, 0.2]", "b_h = [0.1]"), "b_h is 1 numbers, and should be 2 numbers"),
        (("[[0.1, 0.2], [0.3, 0.4]]", "[[0.1, 0.2, 0.3]]"), "W_xh is 2 by 2, and should be 1 by 2"),
        (("[[0.1, 0.2], [0.3, 0.4]]", "[[0.1, 0.2], [0.3]]"), "W_hh should be numbers, in rows of one length, not [["),
        (("[[0.1, 0.2], [0.3, 0.4]]", "0.1"), "W_hh is a single number, and should be a list of rows"),
        (("inputs = [1, 2, 3, 4]", ""), "lacks inputs = [1, 2, 3]"),
        (("[1, 2, 3, 4]", '["one"]'), "inputs should be numbers, such as 1,2,3,4, not '['one']'"),
        (("sigmoid", "sigmoyd"), "no activation is called 'sigmoyd': did you mean 'sigmoid'?"),
        (("activation", 'cell = "gruu"\nactivation'), "no cell 'gruu' can be traced: did you mean 'gru'?"),
        (('activation = "sigmoid"', 'cell = "gru"'), "has 'W_xh': did you mean"),
        (("W_hh = [[0.1, 0.2], [0.3, 0.4]]", ""), "lacks W_hh, which rnn needs: a list of rows"),
        (("b_h = [0.1, 0.2]", "b_h = [0.1, nan]"), "b_h has nan for a number"),
        (("[1, 2, 3, 4]", "[1, inf]"), "inputs has inf for a number"),
        (("[1, 2, 3, 4]", "[1.7e308]"), "W_xh x_1 grows beyond double precision"),
        (("=", ":"), "is no TOML, nor JSON in a file named .json"),
    ],
)
def test_a_file_that_does_not_fit_together_is_told(inspect, example, change, told):
    example.write_text(EXAMPLE.replace(*change))
    shown = inspect("trace", "--weights", example)
    assert shown.code == 2
    assert told in shown.told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give a TEXT, such as: charrnn inspect trace hello, or --weights FILE"),
        ([""], "TEXT is empty; give some characters, such as hello"),
        (["ab", "--cell", "gruu"], "no cell 'gruu' can be traced: did you mean 'gru'?"),
        (["ab", "--cell", "gru", "--activation", "relu"], "activation relu is of rnn; gru has its own"),
        (["ab", "--weights", "example.toml"], "inputs should be numbers, such as 1,2,3,4, not 'ab'"),
        (["--weights", "example.toml", "--hidden", "3"], "--hidden is of a new cell; with --weights the file says it"),
        (["--weights", "none.toml"], "--weights 'none.toml' cannot be read: No such file or directory"),
    ],
)
@pytest.mark.usefixtures("example")
def test_what_cannot_be_is_told_in_one_line(inspect, arguments, told):
    shown = inspect("trace", *arguments)
    assert shown.code == 2
    assert told in shown.told
