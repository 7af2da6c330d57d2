"""``charrnn plugins new``: what it writes works from the first minute."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn.scaffold import KINDS
from tests.conftest import TINY

USE = {
    "cell": ["train", "words.txt", "--cell", "mine", *TINY, "--steps", "2"],
    "tokenizer": ["train", "words.txt", "--tokenizer", "mine", *TINY, "--steps", "2"],
    "corpus": ["train", "mine", *TINY, "--steps", "2"],
    "warper": ["sample", "--warper", "mine", "--length", "20"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_file_passes_its_checks_and_is_used(kind, text_file, trained, cli, monkeypatch):
    if kind == "warper":
        monkeypatch.setenv("CHARRNN_CHECKPOINTS", str(trained))
    made = cli("plugins", "new", "mine", "--kind", kind, "--single-file")
    assert made.code == 0
    assert made.err == "wrote mine.py\n"
    assert "charrnn plugins check mine.py" in made.out
    checked = cli("plugins", "check", "mine.py", "--no-speed")
    assert checked.code == 0, checked.out
    used = cli(*USE[kind], "--plugin", "mine.py")
    assert used.code == 0, used.err


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_passes_its_own_tests(kind, cli, monkeypatch):
    made = cli("plugins", "new", "my-thing", "--kind", kind)
    assert made.code == 0
    written = {str(path.relative_to("charrnn-my-thing")) for path in Path("charrnn-my-thing").rglob("*.*")}
    assert written == {
        "README.md",
        "pyproject.toml",
        "charrnn_my_thing/__init__.py",
        f"charrnn_my_thing/{kind}.py",
        "tests/test_charrnn_my_thing.py",
    }
    environment = {**os.environ, "PYTHONPATH": str(Path("charrnn-my-thing").resolve())}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "charrnn-my-thing"]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout


def test_what_it_writes_is_clean(cli):
    for kind in KINDS:
        cli("plugins", "new", f"my-{kind}", "--kind", kind)
        cli("plugins", "new", f"one-{kind}", "--kind", kind, "--single-file")
    rules = [
        "--isolated",
        "--line-length",
        "120",
        "--select",
        "E,F,I,B,UP",
        "--config",
        'lint.isort.known-third-party=["charrnn"]',
    ]
    for command in (["check", *rules], ["format", "--check", "--isolated", "--line-length", "120"]):
        finished = subprocess.run([sys.executable, "-m", "ruff", *command, "."], capture_output=True, text=True)
        assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lstm"], "the cell 'lstm' is plugin 'builtin'"),
        (["My Cell"], "'My Cell' is no name for a cell: use small letters, digits and '-', such as my-cell"),
        (["lambda"], "a word of Python's own"),
        (["mine", "--kind", "cel"], "--kind 'cel': did you mean 'cell'?"),
        (["taken", "--single-file"], "'taken.py' exists; remove it"),
    ],
)
def test_what_cannot_be_is_told(arguments, told, cli):
    Path("taken.py").write_text("")
    result = cli("plugins", "new", *arguments)
    assert result.code == 2
    assert told in result.told
    assert sorted(path.name for path in Path().iterdir()) == ["taken.py"]
