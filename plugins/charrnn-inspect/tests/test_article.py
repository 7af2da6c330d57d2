"""docs/article.md is so: its Python runs, its commands run, and its numbers are those of an independent loop."""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "article.md").read_text(encoding="utf-8")
#: Long enough to be trained on, and made of the letters that the page's vectors have.
TEXT = "the cab had a bad dad, and the cat sat on the mat. " * 80


@pytest.fixture
def shell(tmp_path):
    """Run the program, or Python, in a directory that holds what the page speaks of."""
    (tmp_path / "corpus.txt").write_text(TEXT)
    for name, content in re.findall(r"```(?:toml|text) (\S+)\n(.*?)```", PAGE, flags=re.DOTALL):
        (tmp_path / name).write_text(content)
    env = {**os.environ, "CHARRNN_CHECKPOINTS": str(tmp_path / "checkpoints")}

    def call(*arguments):
        ran = subprocess.run(
            [sys.executable, *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path, env=env
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return call


def quick(command):
    """Keep a command as it stands, but for how long it trains."""
    words = shlex.split(command)[1:]
    if words[0] == "train":
        at = next(words.index(each) for each in ("--time", "--steps") if each in words)
        words[at : at + 2] = ["--steps", "4"]
    return words


def test_every_command_and_all_of_its_python_run(shell):
    commands = re.findall(r"^\$ (charrnn .*)$", PAGE, flags=re.MULTILINE)
    assert len(commands) >= 9
    shown = {command: shell("-m", "charrnn", *quick(command)) for command in commands}
    [listing] = re.findall(r"inspect trace --weights example.toml\n```\n\n```text\n(.*?)```", PAGE, flags=re.DOTALL)
    traced = "".join(
        f"{line.rstrip()}\n" for line in shown["charrnn inspect trace --weights example.toml"].splitlines()
    )
    assert listing in traced
    python = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL))
    assert shell("-c", python).startswith("the ")


def test_the_example_s_states_are_those_of_a_loop_of_plain_numbers():
    (a, b), (c, d) = (0.1, 0.2), (0.3, 0.4)
    first = second = 0.0
    states = []
    for x in (1, 2, 3, 4):
        inner = 0.5 * x + 0.6 * x + a * first + b * second + 0.1, 0.7 * x + 0.8 * x + c * first + d * second + 0.2
        first, second = (1 / (1 + math.exp(-each)) for each in inner)
        states.append((first, second))
    for state in states:
        assert all(f"{each:.4f}" in PAGE for each in state)
