"""Small runs of each built-in cell, and the real command line with this plugin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import charrnn
from charrnn.cli import main
from charrnn.plugins import plugins
from charrnn.runs.layout import MANIFEST
from charrnn.runs.manifest import manifest_of


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """The only line on standard error."""
        (line,) = self.err.strip().split("\n")
        return line

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_directories(tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHARRNN_CACHE", str(cache))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("CHARRNN_CHECKPOINTS", "CHARRNN_PLUGINS_DIR", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def inspect(capfd, monkeypatch):
    """Call ``charrnn inspect``, with this plugin and no other, whether or not it is installed."""
    monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", "")
    plugins.cache_clear()

    def call(*arguments: object) -> Result:
        capfd.readouterr()
        code = main(["--plugin", "charrnn_inspect", "inspect", *map(str, arguments)])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    yield call
    plugins.cache_clear()


@pytest.fixture(scope="session")
def runs(tmp_path_factory, cache) -> Path:
    """A directory with the runs ``gru``, ``lstm`` and ``rnn``, each of two small layers."""
    directory = tmp_path_factory.mktemp("runs")
    corpus = directory / "words.txt"
    corpus.write_text(Path(json.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    shape = {"layers": 2, "hidden": 6, "embed": 5, "seq_len": 8, "batch_size": 8, "lr": 0.01}
    shape |= {"layer_norm": False, "random_offset": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(cache))
        for cell in ("rnn", "gru", "lstm"):
            charrnn.train(str(corpus), cell=cell, name=cell, checkpoints=directory / "runs", steps=30, **shape)
    return directory / "runs"


#: Its embedding tells a newline, a step of depth, a quote; its state counts, in a leaf of several axes and in another.
COUNTING = """
import torch
from charrnn import Cell, hookimpl


class Counting(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.unused = torch.nn.Parameter(torch.zeros(hidden_size))

    def initial_state(self, batch_size):
        zeros = self._zeros(batch_size)
        return zeros, torch.zeros(batch_size, 2, 2), zeros[:, :1]

    def step(self, projected, state):
        newline, depth, quote = projected[:, 0], projected[:, 1], projected[:, 2]
        noise, grid, inside = state
        position = (grid[:, 1, 0] + 1) * (1 - newline)
        grid = torch.stack([torch.stack([-depth, 0 * depth], 1), torch.stack([position, grid[:, 1, 1] - depth], 1)], 1)
        noise = torch.sin(projected.sum(1, keepdim=True) + 0.1 * noise) + 0 * self.unused
        return noise, (noise, grid, (inside[:, 0] - quote).abs().unsqueeze(1))


@hookimpl
def register_cells(register):
    register("counting", Counting)
"""


@pytest.fixture
def counting(runs, cache):
    """A run whose units are known: unit 3 of the memory is the position, 4 the depth of brackets, and leaf 3 quotes."""
    Path("counting_cell.py").write_text(COUNTING)
    corpus = str(runs.parent / "words.txt")
    size = ["--layers", 1, "--hidden", 4, "--embed", 4, "--seq-len", 8, "--batch-size", 4, "--steps", 1]
    arguments = ["train", corpus, "--plugin", "counting_cell.py", "--cell", "counting", "--name", "counting"]
    arguments += ["--no-layer-norm", *size]
    assert main([str(each) for each in arguments]) == 0
    session = charrnn.load("counting")
    alphabet = session.tokenizer.alphabet
    table = np.zeros((len(alphabet), 4), np.float32)
    table[:, 3] = np.random.default_rng(0).normal(size=len(alphabet))
    for signs, place, value in (("\n", 0, 1), ("([{", 1, 1), (")]}", 1, -1), ('"', 2, 1)):
        table[[alphabet.index(sign) for sign in signs], place] = value
    (path,) = session.run.path.glob("saves/*/best.safetensors")
    save_file(load_file(path) | {"embedding.weight": table}, path)
    reseal(session.run)
    return session.run


@pytest.fixture(name="reseal", scope="session")
def resealing():
    """What lets the manifest of a run's save fit what was put there."""
    return reseal


def reseal(run):
    save = run.saves.latest()
    (save.path / MANIFEST).write_bytes(manifest_of(save.path, save.manifest.metrics).to_bytes())
    run.saves.point_at(save)
