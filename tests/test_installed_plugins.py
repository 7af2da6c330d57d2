"""Two scaffolded packages and a broken one, installed beside a charrnn wheel into a fresh virtual environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.conftest import TINY, Result

ROOT = Path(__file__).parents[1]


class Environment:
    """A virtual environment with all that charrnn depends on, but no charrnn and none of its plugins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        libraries = folder / "libraries"
        libraries.mkdir()
        for path in {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}:
            for each in path.iterdir():
                if "charrnn" not in each.name and each.suffix != ".pth":
                    (libraries / each.name).symlink_to(each)
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "libraries.pth").write_text(f"{libraries}\n")

    def install(self, *paths: Path) -> None:
        offline = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "install", *offline, *map(str, paths)]
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "libraries")}
        finished = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert finished.returncode == 0, finished.stderr

    def charrnn(self, *arguments: object, env: dict[str, str] | None = None) -> Result:
        return self.run("charrnn", *arguments, env=env)

    def run(self, *command: object, env: dict[str, str] | None = None) -> Result:
        """Run a program of the environment, with its plugins on unless ``env`` says otherwise."""
        outside = {key: value for key, value in os.environ.items() if key not in ("CHARRNN_LOAD_PLUGINS", "PYTHONPATH")}
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        finished = subprocess.run(
            [str(each) for each in command],
            capture_output=True,
            text=True,
            env={**outside, "PATH": path, **(env or {})},
            timeout=120,
        )
        return Result(finished.returncode, finished.stdout, finished.stderr)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh")
    made = Environment(folder / "venv")
    wheels = folder / "wheels"
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", wheels, ROOT], check=True, capture_output=True)
    made.install(*wheels.iterdir())
    for kind, name in (("cell", "slow-gate"), ("tokenizer", "letters")):
        assert made.charrnn("plugins", "new", name, "--kind", kind, "--directory", folder).code == 0
        made.install(folder / f"charrnn-{name}")
    assert made.charrnn("plugins", "new", "broken", "--directory", folder).code == 0
    (folder / "charrnn-broken" / "charrnn_broken" / "__init__.py").write_text("raise RuntimeError('no good')\n")
    made.install(folder / "charrnn-broken")
    return made


BROKEN = (
    "charrnn: warning: plugin 'broken' (charrnn-broken 0.1.0) from 'charrnn_broken' was left out: RuntimeError: no good"
)


def test_a_plugin_s_cell_and_tokenizer_train_and_sample(environment, text_file):
    names = ["--cell", "slow-gate", "--cell-option", "rate=0.7", "--tokenizer", "letters"]
    trained = environment.charrnn("train", text_file, *names, *TINY, "--steps", 4, "--name", "mine")
    assert trained.code == 0, trained.err
    assert trained.err.count(BROKEN) == 1
    sampled = environment.charrnn("sample", "mine", "--length", 20, "--seed", 1)
    assert sampled.code == 0, sampled.err
    assert len(sampled.out) == 21
    assert sampled.err.strip() == BROKEN
    record = environment.charrnn("runs", "show", "mine", "--json").json()["plugins"]
    assert {key: (each["plugin"], each["distribution"], each["version"]) for key, each in record.items()} == {
        "cell": ("slow-gate", "charrnn-slow-gate", "0.1.0"),
        "tokenizer": ("letters", "charrnn-letters", "0.1.0"),
    }
    without = environment.charrnn("sample", "mine", env={"CHARRNN_LOAD_PLUGINS": "letters"})
    assert without.code == 1
    assert "needs the cell 'slow-gate' of the plugin 'slow-gate', which is not here" in without.told
    assert "it came in charrnn-slow-gate 0.1.0, which is to be installed only if you trust it" in without.told


def test_the_list_says_what_is_broken(environment):
    rows = {row["plugin"]: row for row in environment.charrnn("plugins", "list", "--json").json()}
    assert list(rows) == ["builtin", "broken", "letters", "slow-gate"]
    assert rows["slow-gate"]["offers"] == {"cell": ["slow-gate"]}
    assert rows["broken"]["problems"] == [BROKEN.removeprefix("charrnn: warning: ")]


def test_they_pass_the_kit(environment):
    for name in ("slow-gate", "letters"):
        checked = environment.charrnn("plugins", "check", name, "--no-speed", env={"CHARRNN_LOAD_PLUGINS": name})
        assert checked.code == 0, checked.out + checked.err
        assert checked.err == ""


def test_the_author_sees_the_traceback(environment):
    result = environment.charrnn("plugins", "list", env={"CHARRNN_RAISE_PLUGIN_ERRORS": "1"})
    assert result.code == 1
    assert "RuntimeError: no good" in result.err
    assert "Traceback" in result.err


def test_help_imports_no_torch_and_none_is_loaded_where_none_is_asked_for(environment):
    assert environment.charrnn("--help").err.strip() == BROKEN
    assert environment.charrnn("--help", env={"CHARRNN_LOAD_PLUGINS": ""}).err == ""
    probe = (
        "import sys; from charrnn.cli import main; main(['--help']); "
        "print([name for name in ('torch', 'datasets', 'charrnn_slow_gate') if name in sys.modules])"
    )
    clean = {key: value for key, value in os.environ.items() if key not in ("CHARRNN_LOAD_PLUGINS", "PYTHONPATH")}
    finished = subprocess.run([environment.python, "-c", probe], capture_output=True, text=True, env=clean)
    assert finished.stdout.splitlines()[-1] == "['charrnn_slow_gate']"
