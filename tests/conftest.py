"""What the tests share: a text of their own making, a cache and runs of their own, and the real command line."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import settings

import charrnn
from charrnn.cli import main
from charrnn.plugins import plugins
from tests.hub import Repository, StandInHub

# How long an example takes depends on what else the machine does, and on who imports torch first.
settings.register_profile("charrnn", deadline=None)
settings.load_profile("charrnn")

# What is installed beside charrnn is no matter of these tests, but for those that say so.
os.environ["CHARRNN_LOAD_PLUGINS"] = ""
# The hub's client reads this once, when it is imported.
os.environ["HF_HUB_OFFLINE"] = "1"

#: Small enough to train in a second, and but for the cell nothing that another preset would change.
TINY = [
    *("--no-layer-norm", "--no-random-offset", "--dropout", "0"),
    *("--layers", "1", "--hidden", "16", "--embed", "8", "--seq-len", "16", "--batch-size", "8"),
]


@pytest.fixture(autouse=True)
def own_directories(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep each test's runs apart, share the cache, and stay off the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")
    plugins.cache_clear()  # one test's --plugin is no other's
    # Models of this size gain nothing from a second thread, and two test processes would fight over the cores.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in (
        "CHARRNN_CHECKPOINTS",
        "CHARRNN_PLUGINS_DIR",
        "CHARRNN_RAISE_PLUGIN_ERRORS",
        "CHARRNN_TRACE_PLUGINS",
        "NO_COLOR",
        "FORCE_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def text() -> str:
    """Some pages of the standard library's source."""
    return Path(json.__file__).read_text(encoding="utf-8")


@pytest.fixture
def text_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "words.txt"
    path.write_text(text, encoding="utf-8")
    return path


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """The only line on standard error, which holds no traceback."""
        lines = self.err.strip().split("\n")
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Call the command line in this process, where that shows the same and takes a tenth of the time."""

    def call(*arguments: object) -> Result:
        capfd.readouterr()
        code = main([str(each) for each in arguments])
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def program() -> Callable[..., Result]:
    """Call the real command line, in a process of its own."""

    def call(*arguments: object, stdin: bytes = b"", env: dict[str, str] | None = None) -> Result:
        finished = subprocess.run(
            [sys.executable, "-m", "charrnn", *(each if isinstance(each, bytes) else str(each) for each in arguments)],
            input=stdin,
            capture_output=True,
            env={**os.environ, **(env or {})},
            timeout=120,
        )
        return Result(finished.returncode, finished.stdout.decode(), finished.stderr.decode())

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, text: str) -> Path:
    """A directory of runs with one small one, ``words``."""
    directory = tmp_path_factory.mktemp("trained")
    corpus = directory / "words.txt"
    corpus.write_text(text, encoding="utf-8")
    os.environ["CHARRNN_CACHE"] = str(tmp_path_factory.getbasetemp() / "cache")
    charrnn.train(
        str(corpus),
        name="words",
        checkpoints=directory / "runs",
        steps=60,
        layers=2,
        hidden=32,
        embed=8,
        seq_len=16,
        batch_size=8,
        lr=0.01,
    )
    return directory / "runs"


def parquet(**columns):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


#: A file of the dataset some/long, which has ten.
LONG = b"a line of a long text, of which only the start is read\n" * 20_000


@pytest.fixture(scope="session")
def hub(text_rows):
    repositories = {
        "karpathy/tiny_shakespeare": Repository(
            {f"default/{split}/0000.parquet": parquet(text=[rows]) for split, rows in text_rows.items()},
            refs={"refs/convert/parquet"},
            others={"main": {"tiny_shakespeare.py": b"import datasets\n"}},
        ),
        "some/rows": Repository(
            {
                "README.md": b"---\nconfigs:\n- config_name: small\n  data_files: small.parquet\n"
                b"- config_name: large\n  data_files: large.parquet\n---\n",
                "small.parquet": parquet(title=["A", "B"], body=["one row of text", "another row"]),
                "large.parquet": parquet(title=["A", "B"], body=["one row of text " * 50, "another row" * 50]),
            },
            refs={"main", "v2"},
        ),
        "some/csv": Repository({"train.csv": b"text\nfirst\nsecond\n", "test.csv": b"text\nthird\n"}),
        "some/lines": Repository({"lines.jsonl": b'{"text": "first"}\n{"text": "second"}\n'}),
        "some/prose": Repository({"README.md": b"---\nlicense: cc0-1.0\n---\n", "prose.txt": b"first\nsecond\n"}),
        "some/many": Repository(
            {f"data/train-0000{n}-of-00005.parquet": parquet(text=[f"row {n}a", f"row {n}b"]) for n in range(5)}
        ),
        "some/long": Repository({f"train/{n}.txt": LONG for n in range(10)}),
        "some/random": Repository({"train.parquet": parquet(text=[os.urandom(8).hex() for _ in range(40_000)])}),
        "some/converted": Repository(
            {"converted.py": b"import datasets\n"},
            others={
                "refs/convert/parquet": {
                    "one/train/0000.parquet": parquet(text=["of one"]),
                    "two/train/0000.parquet": parquet(text=["of the other"]),
                }
            },
        ),
        "some/empty": Repository({"README.md": b"# nothing yet\n"}),
        "some/broken": Repository({"train.parquet": b"PAR1 no parquet at all PAR1"}),
        "some/gated": Repository({"train.parquet": parquet(text=["secret"])}, gated=True),
        "some/private": Repository({"train.parquet": parquet(text=["secret"])}, private=True),
        "some/script": Repository({"script.py": b"import datasets\n"}),
    }
    with StandInHub(repositories) as running:
        yield running


@pytest.fixture(scope="session")
def text_rows():
    text = Path(json.__file__).read_text()
    return {"train": text, "validation": text[:500], "test": text[500:900]}


@pytest.fixture
def online_env(hub, tmp_path):
    """What lets a process see the stand-in for the hub, with nothing fetched yet."""
    env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "", "HF_TOKEN": ""}
    with hub.fresh():
        yield {**env, "CHARRNN_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def online(online_env, program):
    def call(*arguments, **more):
        return program(*arguments, env={**online_env, **more})

    return call


@pytest.fixture
def python(online_env):
    """Run Python in a process that sees the hub, and return what it prints as JSON."""

    def call(source, **more):
        finished = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source)],
            capture_output=True,
            env={**os.environ, **online_env, **more},
            timeout=120,
        )
        assert finished.returncode == 0, finished.stderr.decode()
        return json.loads(finished.stdout)

    return call


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Put modules where Python finds them, with the metadata of an installed distribution."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    before = set(sys.modules)
    names: list[str] = []

    def install(name, source, version="1.2", requires=""):
        (site / f"{name}.py").write_text(textwrap.dedent(source))
        for before in site.glob(f"{name}-*.dist-info"):
            shutil.rmtree(before)
        metadata = site / f"{name}-{version}.dist-info"
        metadata.mkdir()
        requirement = f"Requires-Dist: {requires}\n" if requires else ""
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requirement}")
        (metadata / "entry_points.txt").write_text(f"[charrnn]\n{name} = {name}\n")
        names.append(name)
        monkeypatch.setenv("CHARRNN_LOAD_PLUGINS", ",".join(names))
        plugins.cache_clear()

    plugins.cache_clear()
    yield install
    plugins.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith(("my_", "charrnn_plugin_")):
            del sys.modules[name]
