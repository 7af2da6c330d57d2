"""What ``charrnn tune`` promises."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from charrnn_tune.ranges import known_ranges

import charrnn
from charrnn.plugins import plugins
from charrnn.settings import TrainSettings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_help_imports_nothing_heavy():
    program = (
        "import sys; from charrnn.cli import main; main(['--help'])\n"
        "print([name for name in ('torch', 'numpy', 'pydantic', 'optuna') if name in sys.modules])"
    )
    env = {**os.environ, "CHARRNN_PLUGINS_DIR": str(ROOT), "CHARRNN_LOAD_PLUGINS": "charrnn_tune"}
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    assert "Search the hyperparameters that suit a corpus." in found.stdout
    assert found.stdout.splitlines()[-1] == "[]"


def test_the_entry_point_leads_to_the_plugin():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["charrnn"]
    assert callable(import_module(points["tune"]).register_commands)


def test_every_range_holds_what_its_setting_takes():
    for name, within in known_ranges().items():
        for value in within.get("choices") or (within["low"], within["high"]):
            assert getattr(TrainSettings.model_validate({name: value}), name) == value


def test_train_takes_what_was_found(cli, tune):
    shown = tune("--trials", 2, "--trial-steps", 5, "--over", "lr,cell,layer-norm", "--tokenizer", "byte")
    assert shown.code == 0, shown.err
    assert not Path("checkpoints").exists()
    found = tomllib.loads(Path("tuned.toml").read_text())
    assert {"lr", "cell", "layer_norm"} < found.keys()
    assert found["hidden"] == 8
    assert found["tokenizer"] == "byte"
    assert not {"steps", "time", "epochs"} & found.keys()
    typed = shown.out.splitlines()[-1].removeprefix("train with it: charrnn ").split()
    assert cli(*typed, "--steps", 2, "--name", "tuned").code == 0
    trained = charrnn.load("tuned").run.config.settings
    assert {name: getattr(trained, name) for name in found} == found


def test_the_file_names_the_plugins_that_it_needs(cli, tune):
    Path("mine.py").write_text(
        "from charrnn import hookimpl\n"
        "from charrnn.cells.gru import GRU\n\n\n"
        "class Mine(GRU):\n    pass\n\n\n"
        "@hookimpl\n"
        "def register_cells(register):\n    register('mine', Mine)\n"
    )
    shown = tune("--trials", 1, "--trial-steps", 1, "--over", "lr", "--cell", "mine", "--plugin", "mine.py")
    assert shown.code == 0, shown.err
    plugins.cache_clear()
    shown = cli("train", "words.txt", "--config", "tuned.toml", "--steps", 1, "--name", "tuned")
    assert shown.code == 0, shown.err


def test_a_study_goes_on_and_counts_its_trials(tune, losses):
    asked = losses([3.0], [2.0], [2.5])
    assert tune("--trials", 2, "--trial-steps", 5, "--over", "lr").code == 0
    assert tune("--trials", 2, "--trial-steps", 5, "--over", "lr").code == 0
    assert len(asked) == 2
    shown = tune("--trials", 3, "--trial-steps", 5, "--over", "lr", "--json")
    assert [each["bits_per_char"] for each in shown.json()["trials"]] == [3.0, 2.0, 2.5]
    assert shown.json()["settings"] == {"lr": asked[1]["lr"]}
    assert len({each["lr"] for each in asked}) == 3
    assert tomllib.loads(Path("tuned.toml").read_text())["lr"] == asked[1]["lr"]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (["--over", "lr,cell"], "searches over lr 0.0003 to 0.03, not lr 0.0003 to 0.03, cell lstm|gru"),
        (["--over", "lr", "--seed", 3], "fixes"),
        (["--over", "lr", "--trial-steps", 6], "has trials of steps 5, not steps 6"),
    ],
)
def test_another_study_in_the_file_is_told(tune, losses, other, told):
    losses([3.0])
    assert tune("--trials", 1, "--trial-steps", 5, "--over", "lr").code == 0
    shown = tune("--trials", 1, "--trial-steps", 5, *other)
    assert shown.code == 2
    assert told in shown.told


def test_the_same_study_goes_on_from_another_directory(tune, cli, losses, monkeypatch):
    asked = losses([3.0])
    assert tune("--trials", 1, "--trial-steps", 5, "--over", "lr").code == 0
    Path("below").mkdir()
    monkeypatch.chdir("below")
    files = ["--study", "../tuned.db", "--output", "../tuned.toml"]
    shown = tune("--trials", 1, "--trial-steps", 5, "--over", "lr", *files, corpus="../words.txt")
    assert shown.code == 0, shown.err
    assert len(asked) == 1


def test_a_corpus_s_name_steers_no_terminal_and_breaks_no_file(tune, losses):
    Path("a\x1b[31m\x08.txt").write_text("words " * 100)
    losses([3.0])
    shown = tune("--trials", 1, "--trial-steps", 5, "--over", "lr", corpus="a\x1b[31m\x08.txt")
    assert shown.code == 0, shown.err
    assert "\x1b" not in shown.out
    assert "lr" in tomllib.loads(Path("tuned.toml").read_text())


def test_another_text_under_the_same_name_is_told(tune):
    assert tune("--trials", 1, "--trial-steps", 2, "--over", "lr").code == 0
    Path("words.txt").write_text("something else entirely, " * 100)
    shown = tune("--trials", 2, "--trial-steps", 2, "--over", "lr")
    assert shown.code == 2
    assert "is another than when the study began" in shown.told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--trials", 1, "--trial-steps", 1, "--over", "lr,drop-out"],
            "--over 'drop_out': no setting with a range is called so; did you mean 'dropout'",
        ),
        (["--trials", 1, "--trial-steps", 1, "--over", "hidden"], "--over hidden: it is fixed by a flag of its own"),
        (["--trials", 1], "how long is a trial?"),
        ([], "how long is the search?"),
        (["--trials", 1, "--time", "1m"], "how long is the search?"),
        (["--time", "1m", "--trial-time", "2m"], "--trial-time 120s: is longer than the whole"),
        (["--trials", 1, "--trial-steps", 1, "--output", "words.txt"], "charrnn tune did not write it"),
        (["--trials", 1, "--trial-steps", 1, "--study", "words.txt"], "--study 'words.txt': is no study"),
        (
            ["--trials", 1, "--trial-steps", 1, "--output", "best.db"],
            "--output 'best.db': is where the trials",
        ),
        (["--trials", 1, "--trial-steps", 1, "--output", "a", "--study", "./a"], "--output 'a': is where the trials"),
        (["--trials", 1, "--trial-steps", 1, "--study", "\udcff.db"], "'\\udcff.db': is no UTF-8"),
        (["--trials", 1, "--trial-steps", 1, "--over", "lr", "--tied"], "tied"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tune, arguments, told):
    shown = tune(*arguments)
    assert shown.code == 2
    assert told in shown.told
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("line", re.findall(r"^\$ charrnn (tune .*)$", README, flags=re.MULTILINE))
def test_every_command_of_the_readme_runs(cli, line):
    """Each as it stands, but for a budget of a moment in the place of minutes."""
    short = re.sub(r"--time \S+( --trial-time \S+)?", "--trials 1 --trial-steps 1", line)
    shown = cli(*shlex.split(short if "--preset" in short else f"{short} --preset tiny"))
    assert shown.code == 0, shown.err
    assert re.search(r"^train with it: charrnn train words.txt --config \S+$", shown.out, flags=re.MULTILINE)


def test_the_readme_lists_every_range():
    listed = re.findall(r"^\| `(\S+)` \| (.+?) \|", README, flags=re.MULTILINE)
    assert listed == [(name, _written(each)) for name, each in known_ranges().items()]


def _written(within):
    if "choices" in within:
        return ", ".join(f"`{str(each).lower()}`" for each in within["choices"])
    how = ", by logarithm" if within["log"] else f", in steps of {within['step']}" if within["step"] else ""
    return f"{within['low']:g} to {within['high']:g}{how}"
