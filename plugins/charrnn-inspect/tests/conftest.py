"""Small runs of each built-in cell, and the real command line with this plugin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn.cli import main
from charrnn.plugins import plugins


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHARRNN_CACHE", str(cache))
        for cell in ("rnn", "gru", "lstm"):
            charrnn.train(str(corpus), cell=cell, name=cell, checkpoints=directory / "runs", steps=30, **shape)
    return directory / "runs"
