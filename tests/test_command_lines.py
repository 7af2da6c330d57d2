"""Commands that are told can be pasted: a name in them, which may be a stranger's, is nothing but a name."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.command_line import command_line
from charrnn.controls import printable, printable_line
from charrnn.runs.run import Run
from tests.conftest import TINY

NAMES = [
    "plain",
    "my run; touch x",
    "it's",
    'a"b',
    "$(touch x)",
    "`touch x`",
    "-y",
    "--help",
    "-",
    "",
    "~",
    "*",
    "a\nb",
    "a\tb\x1b[2J",
    "a\\b\nc'd",
    "größe 1",
    "\u202e7",
    os.fsdecode(b"\xff"),
]


def words(line):
    """Return the words that a shell makes of a line."""
    shown = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout
    return [os.fsdecode(each) for each in shown.split(b"\0")[:-1]]


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_reads_the_names_that_were_meant(name, tmp_path):
    line = command_line("runs", "verify", name, mend=True, json=None, checkpoints=Path("c k"))
    flags = ["--mend", "--checkpoints", "c k"]
    last = ["--", name] if name.startswith("-") and name != "-" else None
    assert words(line) == ["charrnn", "runs", "verify", *(flags + last if last else [name, *flags])]
    option = words(command_line("train", resume=True, name=name))
    assert option[:3] == ["charrnn", "train", "--resume"]
    assert option[3:] == ([f"--name={name}"] if name.startswith("-") else ["--name", name])
    assert printable_line(line) == line
    assert not list(tmp_path.iterdir())


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_a_shell_reads_any_name(name):
    assert words(command_line("sample", "x", run=name))[-1].removeprefix("--run=") == name


@given(st.text(st.characters(categories=["Cs", "Ll"]), max_size=20))
def test_half_a_surrogate_pair_which_no_file_is_called_is_written_all_the_same(name):
    assert command_line("sample", name).encode().startswith(b"charrnn sample ")


def test_what_needs_no_quotes_has_none():
    assert command_line("train", "hf:some/rows", init_from="words-lstm_2.1") == (
        "charrnn train hf:some/rows --init-from words-lstm_2.1"
    )


def test_texts_have_lines_and_names_have_none():
    assert printable("a\n\tb") == "a\n\tb"
    assert printable_line("a\n\tb\r\x1b\u2028") == "a␊␉b␍␛\ufffd"


@pytest.mark.parametrize("name", ["my run; touch x", "-y"])
def test_a_command_that_is_told_can_be_pasted(name, text_file, cli):
    where = ["--checkpoints", "ck pt"]
    assert cli("train", text_file, *TINY, "--steps", 2, f"--name={name}", *where).code == 0
    latest = Path("ck pt", name, "latest")
    kept = latest.read_text()
    latest.write_text("x")
    told = cli("sample", name, *where) if not name.startswith("-") else cli("sample", *where, "--", name)
    verify = told.told.partition("what can still be used says: ")[2]
    found = cli(*shlex.split(verify)[1:])
    assert found.code == 1
    mend = found.out.partition("is whole: ")[2].partition(" takes it")[0]
    assert cli(*shlex.split(mend)[1:]).code == 0
    assert latest.read_text() == kept
    resume = shlex.split(Run(Path("ck pt", name)).resume_command)[1:]
    assert cli(*resume, "--steps", 3).code == 0
    refused = cli(*resume, "--lr", 9)
    start = refused.told.partition("a new run with: ")[2]
    assert cli(*shlex.split(start.replace("CORPUS", str(text_file)))[1:], "--steps", 1, "--name", "new").code == 0
    assert not Path("x").exists()


def test_a_name_with_a_newline_makes_no_line_of_its_own(trained, cli):
    name = "a\nrun b: whole: 9 files are as they were written"
    shutil.copytree(trained / "words", Path("checkpoints", name))
    for command in (["runs", "verify"], ["eval"], ["runs", "plot"], ["runs", "show", name]):
        lines = cli(*command).out.splitlines()
        assert not [line for line in lines if line.startswith("run b")], command
        assert any("a␊run b: whole" in line for line in lines), command
    for command in ("list", "compare"):
        assert len(cli("runs", command).out.splitlines()) == 2
    assert f"$ charrnn sample $'{name.replace(chr(10), chr(92) + '012')}'" in cli("runs", "show", name).out
    assert cli("runs", "rm", name, "--yes").err == f"removed checkpoints/{name}\n".replace("a\n", "a␊")
