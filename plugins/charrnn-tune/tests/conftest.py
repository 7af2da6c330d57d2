"""The real command line with this plugin, and a small text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import charrnn
from charrnn.cli import main
from charrnn.plugins import plugins
from charrnn.training.events import Evaluated


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """The last line on standard error."""
        return self.err.strip().split("\n")[-1]

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
    (tmp_path / "words.txt").write_text(Path(json.__file__).read_text(encoding="utf-8"), encoding="utf-8")


@pytest.fixture
def cli(capfd, monkeypatch):
    """Call a command, with this plugin and no other, whether or not it is installed."""
    monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", "")
    plugins.cache_clear()

    def call(*arguments: object) -> Result:
        capfd.readouterr()
        code = main(["--plugin", "charrnn_tune", *map(str, arguments)])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    yield call
    plugins.cache_clear()


@pytest.fixture
def tune(cli):
    """Call ``charrnn tune`` for models that are trained in no time."""
    small = ["--layers", 1, "--embed", 4, "--batch-size", 4, "--seq-len", 8, "--eval-tokens", 500]

    def call(*arguments: object, corpus: str = "words.txt", hidden: int | None = 8) -> Result:
        size = [] if hidden is None else ["--hidden", hidden]
        return cli("tune", corpus, *small, *size, *arguments)

    return call


@pytest.fixture
def losses(monkeypatch):
    """Let trials have the losses that a test gives, one list a trial; an error in one is raised."""
    trials: list[list[object]] = []
    asked: list[dict[str, object]] = []

    def train(*_, listen, **settings):
        asked.append(settings)
        for step, loss in enumerate(trials[len(asked) - 1], start=1):
            if isinstance(loss, BaseException):
                raise loss
            if callable(loss):
                loss()
                continue
            listen(Evaluated(step, loss, loss, best=True, seconds=0.0))

    monkeypatch.setattr(charrnn, "train", train)

    def give(*each: list[object]) -> list[dict[str, object]]:
        trials.extend(each)
        return asked

    return give
