"""The group of commands, its help, and what its README shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What the README shows of a command, by what is typed.
LISTINGS = dict(re.findall(r"^\$ charrnn inspect (.*)\n```\n\n```text\n((?s:.*?))```", README, flags=re.MULTILINE))


def test_the_help_imports_nothing_heavy():
    program = (
        "import sys; from charrnn.cli import main; main(['--help'])\n"
        "print([name for name in ('torch', 'numpy', 'pydantic', 'matplotlib') if name in sys.modules])"
    )
    # Not by --plugin: to read a flag, Typer imports pydantic.
    env = {**os.environ, "CHARRNN_PLUGINS_DIR": str(ROOT), "CHARRNN_LOAD_PLUGINS": "charrnn_inspect"}
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    assert "Look inside a recurrent network." in found.stdout
    assert found.stdout.splitlines()[-1] == "[]"


def test_the_entry_point_leads_to_the_plugin():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["charrnn"]
    assert callable(import_module(points["inspect"]).register_commands)


def test_a_command_misspelt_is_told_with_the_near_name(inspect):
    shown = inspect("gradient")
    assert shown.code == 2
    assert "Did you mean 'gradients'" in shown.told


@pytest.mark.parametrize("line", re.findall(r"^\$ charrnn inspect (.*)$", README, flags=re.MULTILINE))
def test_every_command_of_the_readme_runs(inspect, runs, tmp_path, monkeypatch, line):
    monkeypatch.setenv("CHARRNN_CHECKPOINTS", str(tmp_path / "checkpoints"))
    shutil.copytree(runs, tmp_path / "checkpoints")
    for name, content in re.findall(r"```toml (\S+)\n(.*?)```", README, flags=re.DOTALL):
        (tmp_path / name).write_text(content)
    shown = inspect(*shlex.split(line.split("  #")[0]))
    assert shown.code == 0, shown.err
    assert LISTINGS.get(line, "") in "".join(f"{each.rstrip()}\n" for each in shown.out.splitlines())


def test_two_of_them_are_shown_with_what_they_print():
    assert [line.split()[0] for line in LISTINGS] == ["gradients", "trace"]
