"""Ranks that torchrun starts anew do what was asked for, however little of it had come to be done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import charrnn
from tests.conftest import TINY
from tests.forging import save_of
from tests.ranks.launching import ours, torchrun

#: Ends the first rank, in the first attempt, before or after what is to be done once the run's place is kept.
KILLS = """
import os, signal
from charrnn import hookimpl
from charrnn.training import new, resume

def killing(function, before):
    def killed(*arguments, **named):
        done = None if before else function(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    return killed

if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and os.environ["RANK"] == "0":
    when, what = os.environ["MOMENT"].split()
    if what == "create":
        new.Run.create = killing(new.Run.create, when == "before")
    else:
        resume.take_up = killing(resume.take_up, when == "before")

@hookimpl
def run_started(run):
    pass
"""

#: A cell that only the settings' file names.
CELL = """
from charrnn import hookimpl
from charrnn.cells.gru import GRU

class Own(GRU):
    pass

@hookimpl
def register_cells(register):
    register("own", Own)
"""


def killed_at(moment, *train):
    Path("kills.py").write_text(KILLS)
    command = ["-m", "charrnn", "--plugin", "kills.py", "train", *train]
    ended = torchrun(*command, options=["--max-restarts", "1"], env={"MOMENT": moment})
    assert "exitcode: -9" in ended.err, "nobody was killed"
    assert ended.code == 0, ended.err
    assert ours(ended) == []
    return ended


def step_of(run):
    saved = json.loads((save_of(Path("checkpoints", run)) / "state.json").read_text())
    assert saved["finished"]
    return saved["step"]


@pytest.mark.parametrize("moment", ["before take_up", "after take_up"])
def test_a_run_goes_on_as_far_as_was_asked_for(moment, text_file):
    charrnn.train(text_file, name="mine", steps=5, hidden=16, layers=1, batch_size=8, seq_len=16)
    killed_at(moment, "--resume", "--name", "mine", "--steps", 9)
    assert step_of("mine") == 9


@pytest.mark.parametrize("name", [["--name", "mine"], []])
def test_a_run_that_was_not_made_is_made_under_its_name(name, text_file):
    killed_at("before create", text_file, *TINY, "--steps", 5, *name)
    (made,) = Path("checkpoints").glob("[!.]*/config.json")
    assert made.parent.name == (name or ["", f"{text_file.stem}-lstm"])[1]
    assert step_of(made.parent.name) == 5


def test_a_run_that_was_made_finds_the_plugins_of_its_settings_file(text_file):
    Path("cell.py").write_text(CELL)
    Path("settings.toml").write_text('plugin = "cell.py"\ncell = "own"\n')
    killed_at("after create", text_file, *TINY, "--steps", 5, "--config", "settings.toml", "--name", "mine")
    assert step_of("mine") == 5


#: Lets someone else make a run of the same name meanwhile.
TAKES = """
import os, shutil
from charrnn import hookimpl
from charrnn.runs.run import Run

create = Run.create

def taken(path, *arguments):
    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        shutil.copytree("theirs", path)
    return create(path, *arguments)

Run.create = taken

@hookimpl
def run_started(run):
    pass
"""


def test_a_run_that_someone_else_has_made_meanwhile_is_not_gone_on_with(text_file):
    charrnn.train(text_file, name="mine", steps=5, hidden=16, layers=1, batch_size=8, seq_len=16)
    Path("checkpoints", "mine").rename("theirs")
    Path("takes.py").write_text(TAKES)
    train = ["-m", "charrnn", "--plugin", "takes.py", "train", text_file, *TINY, "--steps", 9]
    ended = torchrun(*train, options=["--max-restarts", "1"])
    assert ended.code == 0, ended.err
    (told,) = ours(ended)
    assert "was made by someone else meanwhile" in told
    assert step_of(f"{text_file.stem}-lstm") == 5
    assert step_of(f"{text_file.stem}-lstm-2") == 9
