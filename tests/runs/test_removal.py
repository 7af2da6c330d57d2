"""A run that is removed is whole until it is none: whatever fails or is killed on the way, no half of one is left."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from charrnn.runs.lock import holder, locked
from charrnn.runs.removal import tidy_removed
from charrnn.runs.run import Run
from charrnn.runs.verification import verify
from tests.unprivileged import needs_to_be_refused, unprivileged

CHECKPOINTS = Path("checkpoints")
RUN = CHECKPOINTS / "words"
HALF = CHECKPOINTS / ".removed-run-words"
REMOVE = ("runs", "rm", "words", "--yes")


@pytest.fixture
def run(trained):
    shutil.copytree(trained / "words", RUN)
    return RUN


def test_a_removal_that_is_killed_leaves_no_run_and_the_next_takes_the_rest(run, trained, cli, monkeypatch):
    def killed(path):
        (path / "latest").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("charrnn.atomic.shutil.rmtree", killed)
        assert cli(*REMOVE).code == 130
    assert not RUN.exists()
    assert cli("runs", "list", "--json").json() == []
    assert HALF.exists()
    shutil.copytree(trained / "words", CHECKPOINTS / "other")
    told = cli("runs", "rm", "other", "--yes").err
    assert f"removed {HALF}, which a killed process left" in told
    assert not list(CHECKPOINTS.iterdir())


def test_what_a_removal_left_goes_when_a_run_is_made_but_nothing_else(text_file, cli):
    (HALF / "saves").mkdir(parents=True)
    (CHECKPOINTS / ".removed-photos").mkdir()
    assert cli("train", text_file, "--steps", 1, "--hidden", 4, "--name", "words").code == 0
    assert not HALF.exists()
    assert (CHECKPOINTS / ".removed-photos").exists()


def test_a_run_that_another_process_is_removing_is_left_to_it(run):
    run.rename(HALF)
    with locked(HALF):
        assert tidy_removed(CHECKPOINTS) == []
    assert tidy_removed(CHECKPOINTS) == [HALF]


def test_a_removal_that_fails_on_the_way_says_where_the_rest_is(run, cli, monkeypatch):
    def failing(path):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), "saves")

    monkeypatch.setattr("charrnn.atomic.shutil.rmtree", failing)
    told = cli(*REMOVE).told
    assert f"run 'words' is removed, but for what is in {HALF}: Device or resource busy; mend that, and " in told
    assert not RUN.exists()


def test_a_run_with_the_longest_name_there_is_can_be_removed(run, cli):
    run.rename(CHECKPOINTS / ("ä" * 127))
    assert cli("runs", "rm", "ä" * 127, "--yes").code == 0
    assert not list(CHECKPOINTS.iterdir())


def test_a_link_to_a_run_is_not_taken_for_it(run, cli):
    (CHECKPOINTS / "link").symlink_to(run.resolve())
    assert f"is a link; name the run that it leads to: {run.resolve()}" in cli("runs", "rm", "link", "--yes").told
    assert not verify(Run(run)).damage


@needs_to_be_refused
@pytest.mark.parametrize(
    ("folder", "mode", "told"),
    [
        (".", 0o500, "checkpoints/words cannot be emptied: you may not write there; mend its permissions"),
        ("saves", 0o500, "checkpoints/words/saves cannot be emptied: you may not write there; mend its permissions"),
        ("saves", 0o000, "checkpoints/words/saves cannot be read: Permission denied; mend its permissions"),
        (".", 0o000, "checkpoints/words/config.json cannot be read: Permission denied; mend its permissions"),
        ("..", 0o500, "checkpoints/words cannot be removed: Permission denied; mend its permissions"),
    ],
)
def test_a_run_that_may_not_be_removed_stays_whole(folder, mode, told, run):
    path = (run / folder).resolve()
    path.chmod(mode)
    try:
        assert unprivileged(*REMOVE) == f"charrnn: {told}"
    finally:
        path.chmod(0o700)
    assert not verify(Run(run)).damage


@needs_to_be_refused
def test_a_run_that_may_not_be_made_is_told_in_a_line(text_file):
    CHECKPOINTS.mkdir(mode=0o500)
    said = unprivileged("train", text_file, "--steps", 1, "--hidden", 4, "--name", "new")
    told = "checkpoints/new cannot be made: Permission denied; mend its permissions, or give another --checkpoints"
    assert said == f"charrnn: {told}"


def test_a_run_is_removed_to_make_room_where_there_is_none(run, cli, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (run / ".owner").write_text('{"pid": 1, "host": "another", "since": "long ago"}')
    monkeypatch.setattr("charrnn.runs.lock.write_file", full)
    with locked(run):
        assert holder(run) == "another process", "rather than one that held it before"
    assert cli(*REMOVE).code == 0
    assert not list(CHECKPOINTS.iterdir())
