"""How often gates saturate: counted anew by a float64 loop of plain NumPy over the equations."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from charrnn_inspect.gates import has_gates, saturation
from charrnn_inspect.held_back import held_back
from charrnn_inspect.reading import open_run

from charrnn.cells.rnn import RNN
from charrnn.model import LanguageModel
from charrnn.model.zoneout import Zoneout
from charrnn.settings import ModelSettings


def logistic(x):
    return 1 / (1 + np.exp(-x))


def gru(w, x, h, c):
    w_x, w_h, b_x, b_h = w
    (a_r, a_z, a_n), (u_r, u_z, u_n) = np.split(w_x @ x + b_x, 3), np.split(w_h @ h + b_h, 3)
    r, z = logistic(a_r + u_r), logistic(a_z + u_z)
    return (1 - z) * np.tanh(a_n + r * u_n) + z * h, c, {"reset": r, "update": z}


def lstm(w, x, h, c):
    w_x, w_h, b_x, b_h = w
    i, f, g, o = np.split(w_x @ x + b_x + w_h @ h + b_h, 4)
    i, f, o = logistic(i), logistic(f), logistic(o)
    c = f * c + i * np.tanh(g)
    return o * np.tanh(c), c, {"input": i, "forget": f, "output": o}


@pytest.mark.parametrize(("cell", "step"), [("gru", gru), ("lstm", lstm)])
def test_the_shares_are_those_of_the_equations(inspect, runs, cell, step):
    found = inspect("gates", cell, "--checkpoints", runs, "--tokens", 300, "--json").json()
    assert (found["run"], found["cell"], found["tokens"]) == (cell, cell, 300)
    run, model = open_run(cell, runs)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    reads = weights["embedding.weight"][held_back(run)[:300]]
    expected = {}
    for layer in (1, 2):
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        w = [weights[f"cells.{layer - 1}.kernel.{name}"] for name in names]
        h, c, outputs = np.zeros(6), np.zeros(6), []
        for x in reads:
            h, c, gates = step(w, x, h, c)
            outputs.append(h)
            for name, values in gates.items():
                expected.setdefault((layer, name), []).append(values)
        reads = np.array(outputs)
    assert [(each["layer"], each["gate"]) for each in found["gates"]] == list(expected)
    for each, values in zip(found["gates"], map(np.array, expected.values()), strict=True):
        assert each["left"] == (values < 0.1).mean(axis=0).tolist()
        assert each["right"] == (values > 0.9).mean(axis=0).tolist()
        np.testing.assert_allclose(each["mean"], values.mean(axis=0), rtol=1e-9)


def test_layers_read_what_the_model_gives_them_and_zoneout_hides_no_gate():
    """Norms, residuals and zoneout written out for one step: the second layer's gates depend on all of them."""
    torch.manual_seed(0)
    more = {"layer_norm": True, "residual": True, "zoneout": 0.25}
    model = LanguageModel(ModelSettings(cell="lstm", layers=2, hidden=6, embed=6, dropout=0.0, **more), 5).double()
    model.eval()
    assert has_gates(model)
    features = model.embedding.weight[3].detach().numpy()
    for layer in (0, 1):
        w = [each.detach().numpy() for each in model.cells[layer].cell.kernel.all_weights[0]]
        read = (features - features.mean()) / np.sqrt(features.var() + 1e-5)
        h, _, gates = lstm(w, read, np.zeros(6), np.zeros(6))
        features = features + 0.75 * h
    found = saturation(model, torch.tensor([[3]]))
    assert [each.gate for each in found if each.layer == 2] == list(gates)
    for each, values in zip(found[3:], gates.values(), strict=True):
        np.testing.assert_allclose(each.mean, values, rtol=1e-9)


def test_the_table_has_the_means_over_units(inspect, runs):
    arguments = ["gates", "lstm", "--checkpoints", runs, "--tokens", 300]
    shown = inspect(*arguments)
    assert shown.code == 0, shown.err
    title, heading, *rows = shown.out.splitlines()
    assert title == "run lstm, cell lstm, 300 tokens of the text held back"
    assert heading.split() == ["layer", "gate", "left", "right", "mean"]
    for row, each in zip(rows, inspect(*arguments, "--json").json()["gates"], strict=True):
        shares = [f"{np.mean(each[side]):.1%}" for side in ("left", "right")]
        assert row.split() == [str(each["layer"]), each["gate"], *shares, f"{np.mean(each['mean']):.4f}"]


class Parted(RNN):
    """Has a part that is called as the method is, and shows nothing."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.gates = torch.nn.Linear(hidden_size, hidden_size)


@pytest.mark.parametrize("cell", [RNN(3, 4), Zoneout(RNN(3, 4), 0.1), Parted(3, 4)])
def test_what_has_no_gates_shows_none(cell):
    assert not has_gates(SimpleNamespace(cells=[cell]))


def test_no_more_is_read_than_there_is(inspect, runs):
    run, _ = open_run("gru", runs)
    found = inspect("gates", "gru", "--checkpoints", runs, "--tokens", 10**9, "--json").json()
    assert found["tokens"] == len(held_back(run))


@pytest.mark.parametrize(
    "command", [["gates"], ["gradients", "--distance", 5], ["neurons", "--tokens", 50], ["embedding"]]
)
def test_a_run_s_name_steers_no_terminal(inspect, runs, tmp_path, command):
    path = shutil.copytree(runs / "gru", tmp_path / "a\x1b[31m\x08")
    name, *more = command
    shown = inspect(name, path, *more)
    assert shown.code == 0, shown.err
    assert shown.out.startswith("run a␛[31m␈, ")
    assert "\x1b" not in shown.out + shown.err


def test_a_cell_without_gates_is_told(inspect, runs):
    shown = inspect("gates", "rnn", "--checkpoints", runs)
    assert shown.code == 1
    assert shown.told == "charrnn: run 'rnn' has the cell 'rnn', which shows no gates; lstm and gru do"


def test_a_run_whose_text_is_gone_is_told(inspect, runs, tmp_path, monkeypatch):
    config = json.loads((runs / "gru" / "config.json").read_text())
    assert config["corpus"]["address"].endswith("words.txt")
    (runs.parent / "words.txt").rename(runs.parent / "elsewhere.txt")
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "empty"))
    try:
        shown = inspect("gates", "gru", "--checkpoints", runs)
    finally:
        (runs.parent / "elsewhere.txt").rename(runs.parent / "words.txt")
    assert shown.code == 1
    assert "words.txt" in shown.told


OPEN = """
import torch
from charrnn import Cell, hookimpl


class Open(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.read = torch.nn.Linear(input_size, hidden_size)

    def gates(self, projected, state):
        return {"always": torch.ones_like(state[0]), "never": torch.zeros_like(state[0])}

    def step(self, projected, state):
        return self.read(projected), state


@hookimpl
def register_cells(register):
    register("open", Open)
"""


def test_a_plugin_s_cell_can_show_its_gates(inspect, runs, tmp_path):
    from charrnn.cli import main

    (tmp_path / "open_cell.py").write_text(OPEN)
    size = ["--no-layer-norm", "--layers", "1", "--hidden", "4", "--seq-len", "8", "--batch-size", "4", "--steps", "2"]
    corpus = str(runs.parent / "words.txt")
    assert main(["train", corpus, "--plugin", "open_cell.py", "--cell", "open", "--name", "open", *size]) == 0
    gates = inspect("gates", "open", "--tokens", 50, "--json").json()["gates"]
    assert [(each["gate"], each["left"], each["right"], each["mean"]) for each in gates] == [
        ("always", [0.0] * 4, [1.0] * 4, [1.0] * 4),
        ("never", [1.0] * 4, [0.0] * 4, [0.0] * 4),
    ]
