"""The help: quick, and true to the settings' declarations."""

from __future__ import annotations

import sys
import tomllib

import pytest

from charrnn.cli.app import COMMANDS
from charrnn.generation.settings import SampleSettings
from charrnn.layers import flag, read_settings
from charrnn.settings import TrainSettings

HEAVY = ["torch", "datasets", "numpy", "pydantic", "rich.markdown", "sentencepiece", "transformers"]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["-h"], []])
def test_the_top_level_imports_nothing_heavy(arguments, program):
    probe = (
        "import sys; from charrnn.cli import main; code = main(sys.argv[1:]); "
        f"print('HEAVY', [name for name in {HEAVY} if name in sys.modules], code)"
    )
    import subprocess

    finished = subprocess.run([sys.executable, "-c", probe, *arguments], capture_output=True, text=True)
    assert finished.stdout.splitlines()[-1].startswith("HEAVY []"), finished.stdout + finished.stderr


def test_lists_need_no_torch(program, trained):
    for arguments in (["corpora", "list"], ["runs", "list", "--checkpoints", trained], ["train", "--help"]):
        probe = (
            "import sys; from charrnn.cli import main; main(sys.argv[1:]); "
            "print('HEAVY', [name for name in ['torch', 'datasets'] if name in sys.modules])"
        )
        import subprocess

        command = [sys.executable, "-c", probe, *map(str, arguments)]
        finished = subprocess.run(command, capture_output=True, text=True)
        assert finished.stdout.splitlines()[-1] == "HEAVY []", arguments


def test_the_help_lists_every_command(cli):
    shown = cli("--help")
    assert shown.code == 0
    for name, line in COMMANDS.items():
        assert f"  {name}" in shown.out
        assert line in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, cli):
    shown = cli(name, "--help")
    assert shown.code == 0
    assert "Usage: charrnn" in shown.out


@pytest.mark.parametrize(("command", "settings"), [("train", TrainSettings), ("sample", SampleSettings)])
def test_every_setting_is_a_flag(command, settings, cli):
    shown = cli(command, "--help").out
    for name in settings.model_fields:
        assert flag(name) in shown, name


def test_a_file_and_flags_declare_the_same_settings(tmp_path, text_file, cli):
    config = tmp_path / "mine.toml"
    config.write_text(
        'hidden = 24\nlayers = 1\nseq-len = 8\ntime = "2m"\ncell = "rnn"\ncell_options = {activation = "relu"}\n'
    )
    settings = read_settings({"hidden": "12", "steps": "4"}, config)
    assert (settings.hidden, settings.layers, settings.seq_len, settings.steps, settings.time) == (12, 1, 8, 4, None)
    assert cli("train", text_file, "--config", config, "--steps", 2, "--hidden", 12, "--name", "mine").code == 0
    shown = cli("runs", "show", "mine", "--json").json()["settings"]
    assert shown["cell_options"] == {"activation": "relu"}
    assert (shown["hidden"], shown["steps"], shown["time"]) == (12, 2, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "hiden = 3",
            "no setting is called",
        ),
        ("hidden = 0", "mine.toml: hidden '0': should be greater than or equal to 1"),
        ("lr = nan", "mine.toml' cannot be read: lr has nan for a number"),
        ("steps = 1\nepochs = 2", "mine.toml: steps and mine.toml: epochs both limit"),
        ("hidden = ", "cannot be read"),
    ],
)
def test_a_wrong_file_is_told(content, message, tmp_path, text_file, cli):
    (tmp_path / "mine.toml").write_text(content)
    result = cli("train", text_file, "--config", "mine.toml")
    assert result.code == 2
    assert message in result.told


def test_project_metadata_is_read():
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["charrnn"] == "charrnn.__main__:run"
