"""What units are at: computed anew by a float64 loop of plain NumPy over the equations."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from charrnn_inspect.activations import gather
from charrnn_inspect.features import compute_features
from charrnn_inspect.held_back import held_back
from safetensors.numpy import load_file, save_file

import charrnn
from charrnn.errors import RunError
from charrnn.runs.run import Run


def logistic(x):
    return 1 / (1 + np.exp(-x))


def rnn(w, u, b, d, x, state):
    (h,) = state
    return (np.tanh(w @ x + b + u @ h + d),)


def gru(w, u, b, d, x, state):
    (h,) = state
    (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(w @ x + b, 3), np.split(u @ h + d, 3)
    r, z = logistic(a_r + u_r), logistic(a_z + u_z)
    return ((1 - z) * np.tanh(a_n + r * u_n) + z * h,)


def lstm(w, u, b, d, x, state):
    h, c = state
    i, f, g, o = np.split(w @ x + b + u @ h + d, 4)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


@pytest.mark.parametrize(("cell", "step"), [("rnn", rnn), ("gru", gru), ("lstm", lstm)])
def test_correlations_are_those_of_the_equations(inspect, runs, cell, step):
    session = charrnn.load(cell, checkpoints=runs)
    ids = held_back(session.run)[:200]
    weights = {name: value.astype(np.float64) for name, value in session.run.best_arrays().items()}
    states = [(np.zeros(6),) * (2 if cell == "lstm" else 1)] * 2
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    moments = []
    for token in (session.context, *ids):
        x = weights["embedding.weight"][token]
        for layer in (0, 1):
            states[layer] = step(*(weights[f"cells.{layer}.kernel.{name}"] for name in names), x, states[layer])
            x = states[layer][0]
        moments.append(np.concatenate([leaf for state in states for leaf in state]))
    expected = np.array(moments[1:])
    features = compute_features(session.tokenizer.decode(ids))
    found = inspect("neurons", cell, "--checkpoints", runs, "--tokens", 200, "--top", 1000, "--json").json()
    assert (found["run"], found["tokens"]) == (cell, 200)
    leaves = ["hidden", "memory"][: len(states[0])]
    units = [(layer, leaf, unit) for layer in (1, 2) for leaf in leaves for unit in range(1, 7)]
    varying = [name for name, numbers in features.items() if len(set(numbers)) > 1]
    assert set(found["still"]) == set(features) - set(varying)
    assert len(found["ranking"]) == len(units) * len(varying)
    for row in found["ranking"]:
        column = expected[:, units.index((row["layer"], row["leaf"], row["unit"]))]
        assert row["correlation"] == pytest.approx(np.corrcoef(column, features[row["feature"]])[0, 1], abs=2e-4)
    one = inspect("neurons", cell, "--checkpoints", runs, "--tokens", 200, "--layer", 2, "--unit", 3, "--json").json()
    assert one["unit"] == {"layer": 2, "leaf": "hidden", "unit": 3}
    assert "".join(one["texts"]) == session.tokenizer.decode(ids)
    np.testing.assert_allclose(one["activations"], expected[:, units.index((2, "hidden", 3))], atol=1e-5)
    assert {(row["layer"], row["leaf"], row["unit"]) for row in one["ranking"]} == {(2, "hidden", 3)}


def test_a_network_that_holds_no_numbers_is_told(runs, tmp_path, reseal):
    shutil.copytree(runs / "gru", tmp_path / "runs" / "gru")
    for path in (tmp_path / "runs").rglob("best.safetensors"):
        weights = load_file(path)
        save_file({name: np.full_like(each, np.nan) for name, each in weights.items()}, path)
    reseal(Run(tmp_path / "runs" / "gru"))
    session = charrnn.load("gru", checkpoints=tmp_path / "runs")
    with pytest.raises(RunError, match="NaN"):
        gather(session.network, session.context, np.array([1, 2]))
